// AdamW's update; see adamw.hpp.
namespace dcs::DCS_ISA {

template <class T>
DCS_TARGET void adamw_update(T* p, const T* g, T* m, T* v, std::int64_t n, T clip, T b1, T b2, T step, T root2, T eps, T decay) {
  std::int64_t i = 0;
  for (; i + lanes<T> <= n; i += lanes<T>) {
    const vec<T> gradient = load(g + i) * clip;
    const vec<T> first = load(m + i) * b1 + gradient * (1 - b1), second = load(v + i) * b2 + gradient * gradient * (1 - b2);
    store(m + i, first), store(v + i, second);
    store(p + i, load(p + i) * decay - step * first / (square_root(second) * root2 + eps));
  }
  for (; i < n; ++i) {
    const T gradient = g[i] * clip;
    m[i] = m[i] * b1 + gradient * (1 - b1), v[i] = v[i] * b2 + gradient * gradient * (1 - b2);
    p[i] = p[i] * decay - step * m[i] / (std::sqrt(v[i]) * root2 + eps);
  }
}

template <class T>
DCS_TARGET double sum_of_squares(const T* x, std::int64_t n) {
  double total = 0;
  for (std::int64_t begin = 0; begin < n; begin += 4096) {
    const std::int64_t end = std::min(n, begin + 4096);
    vec<T> sum{};
    std::int64_t i = begin;
    for (; i + lanes<T> <= end; i += lanes<T>) sum += load(x + i) * load(x + i);
    T rest = 0;
    for (; i < end; ++i) rest += x[i] * x[i];
    total += static_cast<double>(dcs::DCS_ISA::sum<T>(sum) + rest);
  }
  return total;
}

}  // namespace dcs::DCS_ISA
