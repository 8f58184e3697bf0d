// Bilinear samples of RoIs over channels; see cpu.hpp.
namespace dcs::DCS_ISA {

// One RoI forward: out[bins_y × bins_x × channels].
template <class T>
DCS_TARGET void roi_forward(const T* map, std::int64_t width, std::int64_t channels, const cpu::roi_axis<T>& ys, const cpu::roi_axis<T>& xs, T* out) {
  const T inverse = T(1) / static_cast<T>(std::max<std::int64_t>(ys.grid * xs.grid, 1));
  for (std::int64_t by = 0; by < ys.bins; ++by)
    for (std::int64_t bx = 0; bx < xs.bins; ++bx, out += channels) {
      std::int64_t c = 0;
      for (; c < channels; c += lanes<T>) {
        const std::int64_t n = std::min<std::int64_t>(lanes<T>, channels - c);
        vec<T> sum{};
        for (std::int64_t iy = by * ys.grid; iy < (by + 1) * ys.grid; ++iy) {
          const auto& y = ys.samples[static_cast<std::size_t>(iy)];
          if (!y.inside) continue;
          for (std::int64_t ix = bx * xs.grid; ix < (bx + 1) * xs.grid; ++ix) {
            const auto& x = xs.samples[static_cast<std::size_t>(ix)];
            if (!x.inside) continue;
            const T *a = map + (y.low * width + x.low) * channels + c, *b = map + (y.low * width + x.high) * channels + c;
            const T *d = map + (y.high * width + x.low) * channels + c, *e = map + (y.high * width + x.high) * channels + c;
            if (n == lanes<T>)
              sum += load(a) * (y.w_low * x.w_low) + load(b) * (y.w_low * x.w_high) + load(d) * (y.w_high * x.w_low) + load(e) * (y.w_high * x.w_high);
            else
              sum += load_part(a, n) * (y.w_low * x.w_low) + load_part(b, n) * (y.w_low * x.w_high) + load_part(d, n) * (y.w_high * x.w_low) +
                     load_part(e, n) * (y.w_high * x.w_high);
          }
        }
        sum *= inverse;
        if (n == lanes<T>) store(out + c, sum);
        else store_part(out + c, sum, n);
      }
    }
}

// One RoI backward, channels [c0, c1): added to the map's gradient.
template <class T>
DCS_TARGET void roi_backward(T* map, std::int64_t width, std::int64_t channels, std::int64_t c0, std::int64_t c1, const cpu::roi_axis<T>& ys,
                             const cpu::roi_axis<T>& xs, const T* gradient) {
  const T inverse = T(1) / static_cast<T>(std::max<std::int64_t>(ys.grid * xs.grid, 1));
  for (std::int64_t by = 0; by < ys.bins; ++by)
    for (std::int64_t bx = 0; bx < xs.bins; ++bx, gradient += channels)
      for (std::int64_t iy = by * ys.grid; iy < (by + 1) * ys.grid; ++iy) {
        const auto& y = ys.samples[static_cast<std::size_t>(iy)];
        if (!y.inside) continue;
        for (std::int64_t ix = bx * xs.grid; ix < (bx + 1) * xs.grid; ++ix) {
          const auto& x = xs.samples[static_cast<std::size_t>(ix)];
          if (!x.inside) continue;
          T* corner[4] = {map + (y.low * width + x.low) * channels, map + (y.low * width + x.high) * channels, map + (y.high * width + x.low) * channels,
                          map + (y.high * width + x.high) * channels};
          const T weight[4] = {y.w_low * x.w_low * inverse, y.w_low * x.w_high * inverse, y.w_high * x.w_low * inverse, y.w_high * x.w_high * inverse};
          for (int k = 0; k < 4; ++k) {
            std::int64_t c = c0;
            for (; c + lanes<T> <= c1; c += lanes<T>) store(corner[k] + c, load(corner[k] + c) + load(gradient + c) * weight[k]);
            for (; c < c1; ++c) corner[k][c] += gradient[c] * weight[k];
          }
        }
      }
}

}  // namespace dcs::DCS_ISA
