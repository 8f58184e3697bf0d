// Bilinear samples of RoIs over channels; see cpu.hpp. Four vectors of channels are a block: their sums (forward) or gradients (backward) stay in
// registers while the taps of a bin pass.
namespace dcs::DCS_ISA {

// Rows [y0, y1) of the bins of one RoI forward: out[rows × bins_x × channels].
template <class T>
DCS_TARGET void roi_forward(const T* map, std::int64_t width, std::int64_t channels, const cpu::roi_axis<T>& ys, const cpu::roi_axis<T>& xs,
                            std::int64_t y0, std::int64_t y1, T* out) {
  constexpr std::int64_t block = 4 * lanes<T>;
  for (std::int64_t by = y0; by < y1; ++by)
    for (std::int64_t bx = 0; bx < xs.bins; ++bx, out += channels) {
      const auto *y_begin = ys.taps.data() + ys.first.data()[by], *y_end = ys.taps.data() + ys.first.data()[by + 1];
      const auto *x_begin = xs.taps.data() + xs.first.data()[bx], *x_end = xs.taps.data() + xs.first.data()[bx + 1];
      std::int64_t c = 0;
      for (; c + block <= channels; c += block) {
        vec<T> s0{}, s1{}, s2{}, s3{};
        for (const auto* y = y_begin; y != y_end; ++y)
          for (const auto* x = x_begin; x != x_end; ++x) {
            const T weight = y->weight * x->weight;
            const T* p = map + (y->at * width + x->at) * channels + c;
            s0 += load(p) * weight, s1 += load(p + lanes<T>) * weight;
            s2 += load(p + 2 * lanes<T>) * weight, s3 += load(p + 3 * lanes<T>) * weight;
          }
        store(out + c, s0), store(out + c + lanes<T>, s1);
        store(out + c + 2 * lanes<T>, s2), store(out + c + 3 * lanes<T>, s3);
      }
      for (; c < channels; c += lanes<T>) {
        const std::int64_t n = std::min<std::int64_t>(lanes<T>, channels - c);
        vec<T> sum{};
        for (const auto* y = y_begin; y != y_end; ++y)
          for (const auto* x = x_begin; x != x_end; ++x) {
            const T* p = map + (y->at * width + x->at) * channels + c;
            sum += (n == lanes<T> ? load(p) : load_part(p, n)) * (y->weight * x->weight);
          }
        if (n == lanes<T>)
          store(out + c, sum);
        else
          store_part(out + c, sum, n);
      }
    }
}

// One RoI backward, channels [c0, c1): added to the map's gradient.
template <class T>
DCS_TARGET void roi_backward(T* map, std::int64_t width, std::int64_t channels, std::int64_t c0, std::int64_t c1, const cpu::roi_axis<T>& ys,
                             const cpu::roi_axis<T>& xs, const T* gradient) {
  constexpr std::int64_t block = 4 * lanes<T>;
  for (std::int64_t by = 0; by < ys.bins; ++by)
    for (std::int64_t bx = 0; bx < xs.bins; ++bx, gradient += channels) {
      const auto *y_begin = ys.taps.data() + ys.first.data()[by], *y_end = ys.taps.data() + ys.first.data()[by + 1];
      const auto *x_begin = xs.taps.data() + xs.first.data()[bx], *x_end = xs.taps.data() + xs.first.data()[bx + 1];
      std::int64_t c = c0;
      for (; c + block <= c1; c += block) {
        const vec<T> g0 = load(gradient + c), g1 = load(gradient + c + lanes<T>);
        const vec<T> g2 = load(gradient + c + 2 * lanes<T>), g3 = load(gradient + c + 3 * lanes<T>);
        for (const auto* y = y_begin; y != y_end; ++y)
          for (const auto* x = x_begin; x != x_end; ++x) {
            const T weight = y->weight * x->weight;
            T* p = map + (y->at * width + x->at) * channels + c;
            store(p, load(p) + g0 * weight), store(p + lanes<T>, load(p + lanes<T>) + g1 * weight);
            store(p + 2 * lanes<T>, load(p + 2 * lanes<T>) + g2 * weight), store(p + 3 * lanes<T>, load(p + 3 * lanes<T>) + g3 * weight);
          }
      }
      if (c == c1) continue;
      for (const auto* y = y_begin; y != y_end; ++y)
        for (const auto* x = x_begin; x != x_end; ++x) {
          const T weight = y->weight * x->weight;
          T* p = map + (y->at * width + x->at) * channels;
          for (std::int64_t k = c; k < c1; ++k) p[k] += gradient[k] * weight;
        }
    }
}

}  // namespace dcs::DCS_ISA
