// The update of SGD with momentum; see sgd.hpp.
namespace dcs::DCS_ISA {

template <class T, class G>
DCS_TARGET void sgd_update(T* p, const G* g, T* m, std::int64_t n, T clip, T rate, T momentum, T decay, T ahead, T now) {
  std::int64_t i = 0;
  for (; i + lanes<T> <= n; i += lanes<T>) {
    const vec<T> gradient = load_wide(g + i) * clip + load(p + i) * decay, velocity = load(m + i) * momentum + gradient;
    store(m + i, velocity);
    store(p + i, load(p + i) - (velocity * ahead + gradient * now) * rate);
  }
  for (; i < n; ++i) {
    const T gradient = g[i] * clip + p[i] * decay;
    m[i] = m[i] * momentum + gradient;
    p[i] = p[i] - (m[i] * ahead + gradient * now) * rate;
  }
}

}  // namespace dcs::DCS_ISA
