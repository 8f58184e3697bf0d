// Softmax of one [n, inner] block over n; see cpu.hpp. Tails shorter than a vector are computed as a padded vector.
namespace dcs::DCS_ISA {

template <class T>
DCS_INLINE vec<T> softmax_load(const T* p, std::int64_t count) {
  return count >= lanes<T> ? load(p) : load_part(p, count);
}
template <class T>
DCS_INLINE void softmax_store(T* p, vec<T> v, std::int64_t count) {
  if (count >= lanes<T>)
    store(p, v);
  else
    store_part(p, v, count);
}

template <class T>
DCS_TARGET void softmax_forward(const T* x, T* y, std::int64_t n, std::int64_t inner) {
  if (inner == 1) {
    T largest = x[0], total = 0;
    std::int64_t i = 0;
    vec<T> tops = broadcast(largest), sums{};
    for (; i + lanes<T> <= n; i += lanes<T>) tops = max<T>(tops, load(x + i));
    for (; i < n; ++i) largest = std::max(largest, x[i]);
    for (int k = 0; k < lanes<T>; ++k) largest = std::max(largest, tops[k]);
    for (i = 0; i + lanes<T> <= n; i += lanes<T>) {
      const vec<T> e = exp(load(x + i) - largest);
      store(y + i, e);
      sums += e;
    }
    for (; i < n; ++i) total += y[i] = std::exp(x[i] - largest);
    const T inverse = T(1) / (total + sum<T>(sums));
    for (i = 0; i + lanes<T> <= n; i += lanes<T>) store(y + i, load(y + i) * inverse);
    for (; i < n; ++i) y[i] *= inverse;
    return;
  }
  for (std::int64_t c = 0; c < inner; c += lanes<T>) {
    const std::int64_t count = inner - c;
    vec<T> largest = softmax_load(x + c, count), sums{};
    for (std::int64_t i = 1; i < n; ++i) largest = max<T>(largest, softmax_load(x + i * inner + c, count));
    for (std::int64_t i = 0; i < n; ++i) {
      const vec<T> e = exp(softmax_load(x + i * inner + c, count) - largest);
      softmax_store(y + i * inner + c, e, count);
      sums += e;
    }
    const vec<T> inverse = T(1) / sums;
    for (std::int64_t i = 0; i < n; ++i) softmax_store<T>(y + i * inner + c, softmax_load(y + i * inner + c, count) * inverse, count);
  }
}

template <class T>
DCS_TARGET void softmax_backward(const T* y, const T* dy, T* dx, std::int64_t n, std::int64_t inner) {
  if (inner == 1) {
    vec<T> dots{};
    T dot = 0;
    std::int64_t i = 0;
    for (; i + lanes<T> <= n; i += lanes<T>) dots += load(y + i) * load(dy + i);
    for (; i < n; ++i) dot += y[i] * dy[i];
    dot += sum<T>(dots);
    for (i = 0; i + lanes<T> <= n; i += lanes<T>) store(dx + i, load(y + i) * (load(dy + i) - dot));
    for (; i < n; ++i) dx[i] = y[i] * (dy[i] - dot);
    return;
  }
  for (std::int64_t c = 0; c < inner; c += lanes<T>) {
    const std::int64_t count = inner - c;
    vec<T> dots{};
    for (std::int64_t i = 0; i < n; ++i) dots += softmax_load(y + i * inner + c, count) * softmax_load(dy + i * inner + c, count);
    for (std::int64_t i = 0; i < n; ++i) {
      const std::int64_t at = i * inner + c;
      softmax_store<T>(dx + at, softmax_load(y + at, count) * (softmax_load(dy + at, count) - dots), count);
    }
  }
}

}  // namespace dcs::DCS_ISA
