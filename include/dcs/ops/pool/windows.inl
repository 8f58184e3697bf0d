// Pooling windows over channels; see pool.hpp.
namespace dcs::DCS_ISA {

// y and the index of the tap that it came from, for one output pixel.
template <class T>
DCS_TARGET void max_pool_row(const cpu::conv2d_geometry& g, const T* image, std::int64_t oh, T* y, T* winner) {
  for (std::int64_t ow = 0; ow < g.out_w; ++ow)
    for (std::int64_t c = 0; c < g.in_c; c += lanes<T>) {
      const std::int64_t width = std::min<std::int64_t>(lanes<T>, g.in_c - c);
      vec<T> best{}, tap{};
      bool first = true;
      for (std::int64_t t = 0; t < g.taps(); ++t) {
        const std::int64_t h = oh * g.stride - g.padding + t / g.k_w, w = ow * g.stride - g.padding + t % g.k_w;
        if (h < 0 || w < 0 || h >= g.in_h || w >= g.in_w) continue;
        const T* p = image + (h * g.in_w + w) * g.in_c + c;
        const vec<T> v = width == lanes<T> ? load(p) : load_part(p, width);
        const vec<T> number = broadcast(static_cast<T>(t));
        if (first)
          best = v, tap = number, first = false;
        else {
          const auto wins = (v > best) | (v != v);
          tap = wins ? number : tap;
          best = wins ? v : best;
        }
      }
      T *to = y + ow * g.in_c + c, *which = winner + ow * g.in_c + c;
      if (width == lanes<T>)
        store(to, best), store(which, tap);
      else
        store_part(to, best, width), store_part(which, tap, width);
    }
}

// dx of one input row: the sum over the windows whose maximum a pixel is.
template <class T>
DCS_TARGET void max_pool_gradient_row(const cpu::conv2d_geometry& g, const T* dy, const T* winner, std::int64_t h, T* dx) {
  for (std::int64_t w = 0; w < g.in_w; ++w)
    for (std::int64_t c = 0; c < g.in_c; c += lanes<T>) {
      const std::int64_t width = std::min<std::int64_t>(lanes<T>, g.in_c - c);
      vec<T> sum{};
      for (std::int64_t t = 0; t < g.taps(); ++t) {
        const std::int64_t oh = h + g.padding - t / g.k_w, ow = w + g.padding - t % g.k_w;
        if (oh < 0 || ow < 0 || oh % g.stride || ow % g.stride || oh / g.stride >= g.out_h || ow / g.stride >= g.out_w) continue;
        const std::int64_t at = (oh / g.stride * g.out_w + ow / g.stride) * g.in_c + c;
        const vec<T> d = width == lanes<T> ? load(dy + at) : load_part(dy + at, width);
        const vec<T> which = width == lanes<T> ? load(winner + at) : load_part(winner + at, width);
        sum += which == broadcast(static_cast<T>(t)) ? d : vec<T>{};
      }
      if (width == lanes<T>)
        store(dx + w * g.in_c + c, sum);
      else
        store_part(dx + w * g.in_c + c, sum, width);
    }
}

}  // namespace dcs::DCS_ISA
