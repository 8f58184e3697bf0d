// AdamW's update; see adamw.hpp.
namespace dcs::DCS_ISA {

template <class T, class G>
DCS_TARGET void adamw_update(T* p, const G* g, T* m, T* v, std::int64_t n, T clip, T b1, T b2, T step, T root2, T eps, T decay) {
  std::int64_t i = 0;
  for (; i + lanes<T> <= n; i += lanes<T>) {
    const vec<T> gradient = load_wide(g + i) * clip;
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

}  // namespace dcs::DCS_ISA
