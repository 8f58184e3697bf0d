// The softmax of a block of attention scores, row by row; see cpu.hpp.
namespace dcs::DCS_ISA {

// row *= factor.
template <class T>
DCS_TARGET void attention_scale(T* row, std::int64_t depth, T factor) {
  std::int64_t d = 0;
  for (; d + lanes<T> <= depth; d += lanes<T>) store(row + d, load(row + d) * factor);
  for (; d < depth; ++d) row[d] *= factor;
}

// scores → exp(scores · scale − largest so far); `sum` and `out` are rescaled where the maximum grew. While all scores of a row are −∞, nothing is
// subtracted: their exponentials are 0, and later blocks count alone. A row that has no other score ends with a sum of 0, and its result is NaN.
template <class T>
DCS_TARGET void attention_softmax_block(T* scores, std::int64_t rows, std::int64_t columns, T scale, T* largest, T* sum, T* out, std::int64_t depth) {
  for (std::int64_t i = 0; i < rows; ++i) {
    T* row = scores + i * columns;
    T top = largest[i];
    vec<T> tops = broadcast(top);
    std::int64_t j = 0;
    for (; j + lanes<T> <= columns; j += lanes<T>) tops = max<T>(tops, load(row + j) * scale);
    for (; j < columns; ++j) top = std::max(top, row[j] * scale);
    for (int k = 0; k < lanes<T>; ++k) top = std::max(top, tops[k]);
    if (top > largest[i]) {
      const T shrink = std::exp(largest[i] - top);
      sum[i] *= shrink;
      attention_scale(out + i * depth, depth, shrink);
      largest[i] = top;
    }
    const T shift = top == -std::numeric_limits<T>::infinity() ? T(0) : top;
    vec<T> total{};
    j = 0;
    for (; j + lanes<T> <= columns; j += lanes<T>) {
      const vec<T> e = exp(load(row + j) * scale - shift);
      store(row + j, e);
      total += e;
    }
    T rest = 0;
    for (; j < columns; ++j) rest += row[j] = std::exp(row[j] * scale - shift);
    sum[i] += dcs::DCS_ISA::sum<T>(total) + rest;
  }
}

// scores → exp(scores · scale − logsum).
template <class T>
DCS_TARGET void attention_probabilities(T* scores, std::int64_t rows, std::int64_t columns, T scale, const T* logsum) {
  for (std::int64_t i = 0; i < rows; ++i) {
    T* row = scores + i * columns;
    std::int64_t j = 0;
    for (; j + lanes<T> <= columns; j += lanes<T>) store(row + j, exp(load(row + j) * scale - logsum[i]));
    for (; j < columns; ++j) row[j] = std::exp(row[j] * scale - logsum[i]);
  }
}

// delta_i = Σ_d a(i, d) · b(i, d).
template <class T>
DCS_TARGET void attention_row_products(const T* a, const T* b, std::int64_t rows, std::int64_t depth, T* delta) {
  for (std::int64_t i = 0; i < rows; ++i, a += depth, b += depth) {
    vec<T> total{};
    std::int64_t d = 0;
    for (; d + lanes<T> <= depth; d += lanes<T>) total += load(a + d) * load(b + d);
    T rest = 0;
    for (; d < depth; ++d) rest += a[d] * b[d];
    delta[i] = dcs::DCS_ISA::sum<T>(total) + rest;
  }
}

// Gradient of the scores before the scale: dp → p · (dp − delta_i) · scale.
template <class T>
DCS_TARGET void attention_score_gradient(const T* p, T* dp, std::int64_t rows, std::int64_t columns, T scale, const T* delta) {
  for (std::int64_t i = 0; i < rows; ++i, p += columns, dp += columns) {
    std::int64_t j = 0;
    for (; j + lanes<T> <= columns; j += lanes<T>) store(dp + j, load(p + j) * (load(dp + j) - delta[i]) * scale);
    for (; j < columns; ++j) dp[j] = p[j] * (dp[j] - delta[i]) * scale;
  }
}

// dropped = p · mask; gradient (may be null) is multiplied by it.
template <class T>
DCS_TARGET void attention_drop(const T* mask, std::int64_t columns, const T* p, T* dropped, T* gradient) {
  std::int64_t j = 0;
  for (; j + lanes<T> <= columns; j += lanes<T>) {
    const vec<T> m = load(mask + j);
    store(dropped + j, load(p + j) * m);
    if (gradient) store(gradient + j, load(gradient + j) * m);
  }
  for (; j < columns; ++j) {
    dropped[j] = p[j] * mask[j];
    if (gradient) gradient[j] *= mask[j];
  }
}

}  // namespace dcs::DCS_ISA
