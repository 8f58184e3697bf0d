// Image patches as the rows or columns of a matrix that is never stored; see cpu.hpp. A row is an output pixel, a column a (tap, channel).
namespace dcs::DCS_ISA {

template <class T>
struct patches {
  const T* x;
  cpu::conv2d_geometry g;
  std::int64_t channel0;  // first input channel of the group

  struct pixel {
    const T* image;
    std::int64_t h, w;
  };
  DCS_INLINE pixel at(std::int64_t row) const {
    const std::int64_t n = row / (g.out_h * g.out_w), r = row % (g.out_h * g.out_w);
    return {x + n * g.in_h * g.in_w * g.in_c + channel0, r / g.out_w * g.stride - g.padding, r % g.out_w * g.stride - g.padding};
  }
  // The channels of a pixel's tap, or null outside the image.
  DCS_INLINE const T* tap(const pixel& p, std::int64_t t) const {
    const std::int64_t h = p.h + t / g.k_w * g.dilation, w = p.w + t % g.k_w * g.dilation;
    return h < 0 || w < 0 || h >= g.in_h || w >= g.in_w ? nullptr : p.image + (h * g.in_w + w) * g.in_c;
  }
};

// Rows of patches, for the forward pass and the stride-1 data gradient.
template <class T>
struct patch_rows {
  static constexpr bool column_wise = false;
  patches<T> from;

  DCS_TARGET void pack(std::int64_t i0, int rows, std::int64_t k0, std::int64_t kc, std::int64_t padded_k, T* to) const {
    const std::int64_t channels = from.g.group_in();
    for (int i = 0; i < rows; ++i) {
      const auto p = from.at(i0 + i);
      if (channels % k_block == 0) {
        std::int64_t t = k0 / channels, c = k0 % channels;
        const T* source = from.tap(p, t);
        for (std::int64_t k = 0; k < padded_k; k += k_block) {
          T* out = to + k * rows + i * k_block;
          if (source) __builtin_memcpy(out, source + c, sizeof(T) * k_block);
          else __builtin_memset(out, 0, sizeof(T) * k_block);
          c += k_block;
          if (c == channels && k + k_block < padded_k) {
            c = 0;
            source = from.tap(p, ++t);
          }
        }
      } else {
        std::int64_t t = k0 / channels, c = k0 % channels;
        const T* source = from.tap(p, t);
        for (std::int64_t k = 0; k < padded_k; ++k) {
          to[(k - k % k_block) * rows + i * k_block + k % k_block] = k < kc && source ? source[c] : T(0);
          if (++c == channels && k + 1 < kc) {
            c = 0;
            source = from.tap(p, ++t);
          }
        }
      }
    }
  }
};

// Columns of patches: the weight gradient's rows, over pixels.
template <class T>
struct patch_columns {
  static constexpr bool column_wise = true;
  patches<T> from;

  DCS_TARGET void pack(std::int64_t i0, int rows, std::int64_t k0, std::int64_t kc, std::int64_t padded_k, T* to) const {
    const std::int64_t channels = from.g.group_in();
    const std::int64_t t0 = i0 / channels, c0 = i0 % channels;
    for (std::int64_t k = 0; k < padded_k; ++k, to += rows) {
      if (k >= kc) {
        for (int i = 0; i < rows; ++i) to[i] = T(0);
        continue;
      }
      const auto p = from.at(k0 + k);
      std::int64_t t = t0, c = c0;
      for (int i = 0; i < rows;) {
        const T* source = from.tap(p, t);
        const int run = static_cast<int>(std::min<std::int64_t>(rows - i, channels - c));
        if (source)
          for (int j = 0; j < run; ++j) to[i + j] = source[c + j];
        else
          for (int j = 0; j < run; ++j) to[i + j] = T(0);
        i += run;
        c = 0;
        ++t;
      }
    }
  }
};

template <class T>
void direct_forward(const cpu::conv2d_geometry& g, const T* x, const T* w, const cpu::epilogue<T>& e, T* y) {
  for (std::int64_t group = 0; group < g.groups; ++group) {
    const std::int64_t o = group * g.group_out();
    cpu::epilogue<T> part = e;
    if (e.scale) part.scale += o;
    if (e.shift) part.shift += o;
    if (e.residual) part.residual += o;
    const cpu::matrix<T> weights{w + o, g.out_c, false};
    if (g.pointwise())
      gemm_blocked(g.out_pixels(), g.group_out(), g.group_in(), matrix_rows<T>{{x + group * g.group_in(), g.in_c, false}}, weights, y + o, g.out_c, false,
                   part);
    else
      gemm_blocked(g.out_pixels(), g.group_out(), g.taps() * g.group_in(), patch_rows<T>{{x, g, group * g.group_in()}}, weights, y + o, g.out_c, false,
                   part);
  }
}

template <class T>
void direct_weight_gradient(const cpu::conv2d_geometry& g, const T* x, const T* dy, T* dw) {
  for (std::int64_t group = 0; group < g.groups; ++group) {
    const std::int64_t o = group * g.group_out();
    const cpu::matrix<T> gradient{dy + o, g.out_c, false};
    if (g.pointwise())
      gemm_blocked(g.group_in(), g.group_out(), g.out_pixels(), matrix_columns<T>{{x + group * g.group_in(), g.in_c, true}}, gradient, dw + o, g.out_c,
                   false, {});
    else
      gemm_blocked(g.taps() * g.group_in(), g.group_out(), g.out_pixels(), patch_columns<T>{{x, g, group * g.group_in()}}, gradient, dw + o, g.out_c,
                   false, {});
  }
}

// dx of a stride-1 convolution: a convolution of dy with the weights turned around.
template <class T>
void direct_data_gradient_dense(const cpu::conv2d_geometry& g, const T* dy, const T* w, T* dx) {
  const cpu::conv2d_geometry turned{g.batch, g.out_h, g.out_w,  g.out_c, g.in_h, g.in_w,    g.in_c,
                                    g.k_h,   g.k_w,   1,        g.dilation * (g.k_h - 1) - g.padding, g.dilation, g.groups};
  scratch<T> flipped(g.taps() * g.group_out() * g.in_c);
  cpu::parallel_for(g.taps() * g.groups, [&](std::int64_t task) {
    const std::int64_t t = task / g.groups, group = task % g.groups;
    for (std::int64_t o = 0; o < g.group_out(); ++o)
      for (std::int64_t i = 0; i < g.group_in(); ++i)
        flipped[((g.taps() - 1 - t) * g.group_out() + o) * g.in_c + group * g.group_in() + i] = w[(t * g.group_in() + i) * g.out_c + group * g.group_out() + o];
  });
  direct_forward<T>(turned, dy, flipped.data(), {}, dx);
}

// dx of any other: the gradient of every patch, a matrix product per image, then added up where patches overlap.
template <class T>
DCS_TARGET void direct_data_gradient_scattered(const cpu::conv2d_geometry& g, const T* dy, const T* w, T* dx) {
  const std::int64_t pixels = g.out_h * g.out_w, depth = g.taps() * g.group_in();
  scratch<T> columns(pixels * depth);
  for (std::int64_t n = 0; n < g.batch; ++n) {
    T* image = dx + n * g.in_h * g.in_w * g.in_c;
    std::fill(image, image + g.in_h * g.in_w * g.in_c, T(0));
    for (std::int64_t group = 0; group < g.groups; ++group) {
      gemm_blocked(pixels, depth, g.group_out(), matrix_rows<T>{{dy + n * pixels * g.out_c + group * g.group_out(), g.out_c, false}},
                   cpu::matrix<T>{w + group * g.group_out(), g.out_c, true}, columns.data(), depth, false, {});
      // Rows of the image are independent: each gathers from the output rows that reach it.
      cpu::parallel_for(g.in_h, [&](std::int64_t h) DCS_TARGET {
        for (std::int64_t kh = 0; kh < g.k_h; ++kh) {
          const std::int64_t reach = h + g.padding - kh * g.dilation;
          if (reach < 0 || reach % g.stride != 0 || reach / g.stride >= g.out_h) continue;
          for (std::int64_t ow = 0; ow < g.out_w; ++ow)
            for (std::int64_t kw = 0; kw < g.k_w; ++kw) {
              const std::int64_t col = ow * g.stride - g.padding + kw * g.dilation;
              if (col < 0 || col >= g.in_w) continue;
              const T* from = columns.data() + ((reach / g.stride * g.out_w + ow) * g.taps() + kh * g.k_w + kw) * g.group_in();
              T* to = image + (h * g.in_w + col) * g.in_c + group * g.group_in();
              std::int64_t c = 0;
              for (; c + lanes<T> <= g.group_in(); c += lanes<T>) store(to + c, load(to + c) + load(from + c));
              for (; c < g.group_in(); ++c) to[c] += from[c];
            }
        }
      });
    }
  }
}

}  // namespace dcs::DCS_ISA
