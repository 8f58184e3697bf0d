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
    if (T* out = y + row * g.out_w * g.in_c; e.any()) finish_rows(e, out, g.in_c, out, g.in_c, false, row * g.out_w, g.out_w, 0, g.in_c);
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

// One row of dy times the rows of x that contributed to it, for 3×3 kernels: all nine sums of some channels stay in registers. sums: tap × channel.
template <class T, int Vectors>
DCS_TARGET void depthwise_weight_row_3x3(const cpu::conv2d_geometry& g, const T* image, const T* dy, std::int64_t oh, std::int64_t c, T* sums) {
  vec<T> acc[3][3][Vectors] = {};
  const T* rows[3];
  for (int kh = 0; kh < 3; ++kh) {
    const std::int64_t h = oh * g.stride - g.padding + kh * g.dilation;
    rows[kh] = h < 0 || h >= g.in_h ? nullptr : image + h * g.in_w * g.in_c + c;
  }
  for (std::int64_t ow = 0; ow < g.out_w; ++ow) {
    const std::int64_t left = ow * g.stride - g.padding;
    const bool inside = left >= 0 && left + 2 * g.dilation < g.in_w;
    vec<T> d[Vectors];
    DCS_UNROLL
    for (int v = 0; v < Vectors; ++v) d[v] = load(dy + ow * g.in_c + c + v * lanes<T>);
    DCS_UNROLL
    for (int kh = 0; kh < 3; ++kh) {
      if (!rows[kh]) continue;
      DCS_UNROLL
      for (int kw = 0; kw < 3; ++kw) {
        const std::int64_t w = left + kw * g.dilation;
        if (!inside && (w < 0 || w >= g.in_w)) continue;
        DCS_UNROLL
        for (int v = 0; v < Vectors; ++v) acc[kh][kw][v] += d[v] * load(rows[kh] + w * g.in_c + v * lanes<T>);
      }
    }
  }
  DCS_UNROLL
  for (int t = 0; t < 9; ++t) {
    T* to = sums + t * g.in_c + c;
    DCS_UNROLL
    for (int v = 0; v < Vectors; ++v) store(to + v * lanes<T>, load(to + v * lanes<T>) + acc[t / 3][t % 3][v]);
  }
}

// The same for any kernel, from channel c0 on.
template <class T>
DCS_TARGET void depthwise_weight_row(const cpu::conv2d_geometry& g, const T* image, const T* dy, std::int64_t oh, std::int64_t c0, T* sums) {
  for (std::int64_t t = 0; t < g.taps(); ++t) {
    const std::int64_t h = oh * g.stride - g.padding + t / g.k_w * g.dilation;
    if (h < 0 || h >= g.in_h) continue;
    for (std::int64_t c = c0; c < g.in_c; c += lanes<T>) {
      const std::int64_t width = std::min<std::int64_t>(lanes<T>, g.in_c - c);
      vec<T> sum{};
      for (std::int64_t ow = 0; ow < g.out_w; ++ow) {
        const std::int64_t w = ow * g.stride - g.padding + t % g.k_w * g.dilation;
        if (w < 0 || w >= g.in_w) continue;
        const T *a = image + (h * g.in_w + w) * g.in_c + c, *b = dy + ow * g.in_c + c;
        sum += width == lanes<T> ? load(a) * load(b) : load_part(a, width) * load_part(b, width);
      }
      for (int i = 0; i < width; ++i) sums[t * g.in_c + c + i] += sum[i];
    }
  }
}

// Partial sums per output row, added in the order of the rows.
template <class T>
DCS_TARGET void depthwise_weight_gradient(const cpu::conv2d_geometry& g, const T* x, const T* dy, T* dw) {
  constexpr int vectors = DCS_ISA_BYTES == 64 ? 2 : 1;  // nine sums of each fit the registers
  const std::int64_t rows = g.batch * g.out_h, size = g.taps() * g.in_c;
  const std::int64_t chunks = std::max<std::int64_t>(1, std::min<std::int64_t>(rows, 32));
  scratch<T> partial(chunks * size);
  cpu::parallel_for(chunks, [&](std::int64_t chunk) DCS_TARGET {
    T* sums = partial.data() + chunk * size;
    std::fill(sums, sums + size, T(0));
    for (std::int64_t row = rows * chunk / chunks; row < rows * (chunk + 1) / chunks; ++row) {
      const std::int64_t oh = row % g.out_h;
      const T *image = x + row / g.out_h * g.in_h * g.in_w * g.in_c, *d = dy + row * g.out_w * g.in_c;
      std::int64_t c = 0;
      if (g.k_h == 3 && g.k_w == 3) {
        for (; c + vectors * lanes<T> <= g.in_c; c += vectors * lanes<T>) depthwise_weight_row_3x3<T, vectors>(g, image, d, oh, c, sums);
        for (; c + lanes<T> <= g.in_c; c += lanes<T>) depthwise_weight_row_3x3<T, 1>(g, image, d, oh, c, sums);
      }
      if (c < g.in_c) depthwise_weight_row(g, image, d, oh, c, sums);
    }
  });
  for (std::int64_t i = 0; i < size; ++i) {
    double sum = 0;
    for (std::int64_t chunk = 0; chunk < chunks; ++chunk) sum += static_cast<double>(partial[chunk * size + i]);
    dw[i] = static_cast<T>(sum);
  }
}

}  // namespace dcs::DCS_ISA
