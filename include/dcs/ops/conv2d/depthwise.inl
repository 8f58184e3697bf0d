// Depthwise convolution: one filter per channel, bound by memory, so vectors run over channels and nothing is packed; see cpu.hpp.
namespace dcs::DCS_ISA {

// out[c] = Σ_t in_t[c] · w_t[c] for up to `count` taps.
template <class T>
DCS_INLINE void depthwise_pixel(const T* const* in, const T* const* w, int count, std::int64_t channels, T* out) {
  std::int64_t c = 0;
  for (; c + lanes<T> <= channels; c += lanes<T>) {
    vec<T> sum{};
    for (int t = 0; t < count; ++t) sum += load(in[t] + c) * load(w[t] + c);
    store(out + c, sum);
  }
  for (; c < channels; ++c) {
    T sum = 0;
    for (int t = 0; t < count; ++t) sum += in[t][c] * w[t][c];
    out[c] = sum;
  }
}

inline constexpr int max_depthwise_taps = 128;

template <class T>
DCS_TARGET void depthwise_forward(const cpu::conv2d_geometry& g, const T* x, const T* w, const cpu::epilogue<T>& e, T* y) {
  cpu::parallel_for(g.batch * g.out_h, [&](std::int64_t row) DCS_TARGET {
    const std::int64_t n = row / g.out_h, oh = row % g.out_h;
    for (std::int64_t ow = 0; ow < g.out_w; ++ow) {
      const T *in[max_depthwise_taps], *weights[max_depthwise_taps];
      int count = 0;
      for (std::int64_t t = 0; t < g.taps(); ++t) {
        const std::int64_t h = oh * g.stride - g.padding + t / g.k_w * g.dilation, v = ow * g.stride - g.padding + t % g.k_w * g.dilation;
        if (h < 0 || v < 0 || h >= g.in_h || v >= g.in_w) continue;
        in[count] = x + ((n * g.in_h + h) * g.in_w + v) * g.in_c;
        weights[count++] = w + t * g.in_c;
      }
      depthwise_pixel(in, weights, count, g.in_c, y + (row * g.out_w + ow) * g.in_c);
    }
    if (e.any()) finish_rows(e, y + row * g.out_w * g.in_c, g.in_c, row * g.out_w, g.out_w, 0, g.in_c);
  });
}

template <class T>
DCS_TARGET void depthwise_data_gradient(const cpu::conv2d_geometry& g, const T* dy, const T* w, T* dx) {
  cpu::parallel_for(g.batch * g.in_h, [&](std::int64_t row) DCS_TARGET {
    const std::int64_t n = row / g.in_h, h = row % g.in_h;
    for (std::int64_t v = 0; v < g.in_w; ++v) {
      const T *in[max_depthwise_taps], *weights[max_depthwise_taps];
      int count = 0;
      for (std::int64_t t = 0; t < g.taps(); ++t) {
        const std::int64_t rh = h + g.padding - t / g.k_w * g.dilation, rv = v + g.padding - t % g.k_w * g.dilation;
        if (rh < 0 || rv < 0 || rh % g.stride || rv % g.stride || rh / g.stride >= g.out_h || rv / g.stride >= g.out_w) continue;
        in[count] = dy + ((n * g.out_h + rh / g.stride) * g.out_w + rv / g.stride) * g.in_c;
        weights[count++] = w + t * g.in_c;
      }
      depthwise_pixel(in, weights, count, g.in_c, dx + (row * g.in_w + v) * g.in_c);
    }
  });
}

// Partial sums per output row, added in the order of the rows.
template <class T>
DCS_TARGET void depthwise_weight_gradient(const cpu::conv2d_geometry& g, const T* x, const T* dy, T* dw) {
  const std::int64_t rows = g.batch * g.out_h, size = g.taps() * g.in_c;
  const std::int64_t chunks = std::max<std::int64_t>(1, std::min<std::int64_t>(rows, 32));
  scratch<T> partial(chunks * size);
  cpu::parallel_for(chunks, [&](std::int64_t chunk) DCS_TARGET {
    T* sums = partial.data() + chunk * size;
    std::fill(sums, sums + size, T(0));
    for (std::int64_t row = rows * chunk / chunks; row < rows * (chunk + 1) / chunks; ++row) {
      const std::int64_t n = row / g.out_h, oh = row % g.out_h;
      for (std::int64_t t = 0; t < g.taps(); ++t) {
        const std::int64_t h = oh * g.stride - g.padding + t / g.k_w * g.dilation;
        if (h < 0 || h >= g.in_h) continue;
        for (std::int64_t c = 0; c < g.in_c; c += lanes<T>) {
          const std::int64_t width = std::min<std::int64_t>(lanes<T>, g.in_c - c);
          vec<T> sum{};
          for (std::int64_t ow = 0; ow < g.out_w; ++ow) {
            const std::int64_t v = ow * g.stride - g.padding + t % g.k_w * g.dilation;
            if (v < 0 || v >= g.in_w) continue;
            const T* a = x + ((n * g.in_h + h) * g.in_w + v) * g.in_c + c;
            const T* b = dy + (row * g.out_w + ow) * g.in_c + c;
            sum += width == lanes<T> ? load(a) * load(b) : load_part(a, width) * load_part(b, width);
          }
          for (int i = 0; i < width; ++i) sums[t * g.in_c + c + i] += sum[i];
        }
      }
    }
  });
  for (std::int64_t i = 0; i < size; ++i) {
    double sum = 0;
    for (std::int64_t chunk = 0; chunk < chunks; ++chunk) sum += static_cast<double>(partial[chunk * size + i]);
    dw[i] = static_cast<T>(sum);
  }
}

}  // namespace dcs::DCS_ISA
