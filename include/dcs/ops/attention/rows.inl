// The softmax of a block of attention scores, row by row; see cpu.hpp.
namespace dcs::DCS_ISA {

// scores → exp(scores · scale − largest so far); `sum` and `out` are rescaled where the maximum grew.
template <class T>
DCS_TARGET void attention_softmax_block(T* scores, std::int64_t rows, std::int64_t columns, T scale, T* largest, T* sum, T* out, std::int64_t depth) {
  for (std::int64_t i = 0; i < rows; ++i) {
    T* row = scores + i * columns;
    T top = largest[i];
    for (std::int64_t j = 0; j < columns; ++j) top = std::max(top, row[j] * scale);
    if (top > largest[i]) {
      const T shrink = std::exp(largest[i] - top);
      sum[i] *= shrink;
      for (std::int64_t d = 0; d < depth; ++d) out[i * depth + d] *= shrink;
      largest[i] = top;
    }
    vec<T> total{};
    std::int64_t j = 0;
    for (; j + lanes<T> <= columns; j += lanes<T>) {
      const vec<T> e = exp(load(row + j) * scale - top);
      store(row + j, e);
      total += e;
    }
    T rest = 0;
    for (; j < columns; ++j) rest += row[j] = std::exp(row[j] * scale - top);
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
