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
      if (channels % k_numbers<T> == 0) {
        std::int64_t t = k0 / channels, c = k0 % channels;
        const T* source = from.tap(p, t);
        for (std::int64_t k = 0; k < padded_k; k += k_numbers<T>) {
          T* out = to + k * rows + i * k_numbers<T>;
          if (source)
            __builtin_memcpy(out, source + c, sizeof(T) * k_numbers<T>);
          else
            std::fill(out, out + k_numbers<T>, T{});
          c += k_numbers<T>;
          if (c == channels && k + k_numbers<T> < padded_k) {
            c = 0;
            source = from.tap(p, ++t);
          }
        }
      } else if (from.g.dilation == 1 && channels == from.g.in_c) {
        pack_runs(p, k0, kc, padded_k, to + i * k_numbers<T>, rows * k_numbers<T>);
      } else {
        std::int64_t t = k0 / channels, c = k0 % channels;
        const T* source = from.tap(p, t);
        for (std::int64_t k = 0; k < padded_k; ++k) {
          to[(k - k % k_numbers<T>)*rows + i * k_numbers<T> + k % k_numbers<T>] = k < kc && source ? source[c] : T{};
          if (++c == channels && k + 1 < kc) {
            c = 0;
            source = from.tap(p, ++t);
          }
        }
      }
    }
  }

 private:
  // With few channels (an image's three), all taps of a kernel's row are handled at once, as they are contiguous in memory.
  DCS_TARGET void pack_runs(const typename patches<T>::pixel& p, std::int64_t k0, std::int64_t kc, std::int64_t padded_k, T* to,
                            std::int64_t pitch) const {
    const std::int64_t channels = from.g.in_c, run = from.g.k_w * channels;
    alignas(64) T line[cpu::gemm_most_depth + lanes<T>];  // a vector may be stored past the end of a run, where the next run begins
    const T* last = from.x + from.g.in_pixels() * channels - lanes<T>;
    for (std::int64_t kh = k0 / run, k = 0; k < kc; ++kh) {
      const std::int64_t begin = k0 + k - kh * run, end = std::min(run, begin + kc - k), h = p.h + kh;
      std::int64_t inside = std::max(begin, -p.w * channels), outside = std::min(end, (from.g.in_w - p.w) * channels);
      if (h < 0 || h >= from.g.in_h || inside >= outside) inside = outside = end;
      const T* source = p.image + (h * from.g.in_w + p.w) * channels;
      T* out = line + k - begin;
      for (std::int64_t e = begin; e < inside; ++e) out[e] = T{};
      std::int64_t e = inside;
      for (; e < outside && source + e <= last; e += lanes<T>) copy_vector(out + e, source + e);
      for (; e < outside; ++e) out[e] = source[e];
      for (e = outside; e < end; ++e) out[e] = T{};
      k += end - begin;
    }
    std::fill(line + kc, line + padded_k, T{});
    for (std::int64_t k = 0; k < padded_k; k += k_numbers<T>, to += pitch) __builtin_memcpy(to, line + k, sizeof(T) * k_numbers<T>);
  }
};

// Columns of patches: the weight gradient's rows, over pixels.
template <class T>
struct patch_columns {
  static constexpr bool column_wise = true;
  patches<T> from;

  DCS_TARGET void pack(std::int64_t i0, int rows, std::int64_t k0, std::int64_t kc, std::int64_t padded_k, T* to) const {
    const auto& g = from.g;
    // The tile's columns are divided into runs that are contiguous in memory: the channels of a tap, or a whole row of the kernel where all of it is
    // inside the image.
    run split[tile_rows], merged[tile_rows];
    const int split_count = runs(i0, rows, g.group_in(), split);
    const bool mergeable = g.dilation == 1 && g.group_in() == g.in_c;
    const int merged_count = mergeable ? runs(i0, rows, g.k_w * g.in_c, merged) : 0;

    // Copies whole vectors, whose excess the next run overwrites, wherever a whole vector can be read.
    constexpr int vectors = (tile_rows + lanes<T> - 1) / lanes<T>;
    constexpr bool paired = packed_numbers<T> == 2;  // two lines are gathered aside
    alignas(64) T lines[paired ? 2 : 1][paired ? tile_rows + vectors * lanes<T> : 1] = {};
    const T* last = from.x + g.in_pixels() * g.in_c - vectors * lanes<T>;
    const std::int64_t reach = (g.k_w - 1) * g.dilation;
    T* const end = to + padded_k * rows;
    auto n = k0 / (g.out_h * g.out_w), oh = k0 / g.out_w % g.out_h, ow = k0 % g.out_w;
    for (std::int64_t k = 0; k < kc; ++k, to += rows) {
      T* const line = paired ? lines[k % 2] : to;
      const std::int64_t h = oh * g.stride - g.padding, w = ow * g.stride - g.padding;
      const std::int64_t corner = ((n * g.in_h + h) * g.in_w + w) * g.in_c + from.channel0;
      const bool inside = w >= 0 && w + reach < g.in_w;
      const run* r = inside && mergeable ? merged : split;
      const run* last_run = r + (inside && mergeable ? merged_count : split_count);
      for (; r != last_run; ++r) {
        const std::int64_t rh = h + r->h, rw = w + r->w;
        T* out = line + r->at;
        if (rh < 0 || rh >= g.in_h || (!inside && (rw < 0 || rw >= g.in_w))) {
          DCS_UNROLL
          for (int v = 0; v < vectors; ++v) clear_vector(out + v * lanes<T>);
        } else if (const T* source = from.x + corner + r->offset; source <= last) {
          DCS_UNROLL
          for (int v = 0; v < vectors; ++v) copy_vector(out + v * lanes<T>, source + v * lanes<T>);
        } else {
          for (int j = 0; j < r->length; ++j) out[j] = source[j];
        }
      }
      if constexpr (paired)
        if (k % 2 == 1 || k + 1 == kc) pair_rows(lines[0], k % 2 == 1 ? lines[1] : nullptr, rows, to - k % 2 * rows);
      if (++ow == g.out_w) {
        ow = 0;
        if (++oh == g.out_h) oh = 0, ++n;
      }
    }
    if (paired && kc % 2 == 1) to += rows;  // the second half of the last pair
    std::fill(to, end, T{});
  }

 private:
  struct run {
    std::int64_t h, w, offset;  // from the patch's corner: its tap, and its first element in memory
    int at, length;
  };

  // Cuts columns [i0, i0 + rows) at multiples of `longest`, a tap's channels or a whole row of the kernel.
  int runs(std::int64_t i0, int rows, std::int64_t longest, run* to) const {
    const auto& g = from.g;
    int count = 0;
    for (int i = 0; i < rows;) {
      const std::int64_t column = i0 + i, t = column / g.group_in(), h = t / g.k_w * g.dilation, w = t % g.k_w * g.dilation;
      const int length = static_cast<int>(std::min<std::int64_t>(rows - i, longest - column % longest));
      to[count++] = {h, w, (h * g.in_w + w) * g.in_c + column % g.group_in(), i, length};
      i += length;
    }
    return count;
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
      gemm_blocked(g.out_pixels(), g.group_out(), g.group_in(), matrix_rows<T>{{x + group * g.group_in(), g.in_c, false}}, weights, y + o, g.out_c,
                   false, part);
    else
      gemm_blocked(g.out_pixels(), g.group_out(), g.taps() * g.group_in(), patch_rows<T>{{x, g, group * g.group_in()}}, weights, y + o, g.out_c,
                   false, part);
  }
}

template <class T>
void direct_weight_gradient(const cpu::conv2d_geometry& g, const T* x, const T* dy, T* dw) {
  for (std::int64_t group = 0; group < g.groups; ++group) {
    const std::int64_t o = group * g.group_out();
    const cpu::matrix<T> gradient{dy + o, g.out_c, false};
    if (g.pointwise() && g.group_out() < tile_rows && g.group_out() < g.group_in()) {
      // Where there are few outputs they become the rows of a tile, as they would use few of its columns.
      scratch<T> turned(g.group_out() * g.group_in());
      gemm_blocked(g.group_out(), g.group_in(), g.out_pixels(), matrix_columns<T>{{dy + o, g.out_c, true}},
                   cpu::matrix<T>{x + group * g.group_in(), g.in_c, false}, turned.data(), g.group_in(), false, cpu::epilogue<T>{});
      for (std::int64_t i = 0; i < g.group_in(); ++i)
        for (std::int64_t j = 0; j < g.group_out(); ++j) dw[i * g.out_c + o + j] = turned[j * g.group_in() + i];
    } else if (g.pointwise())
      gemm_blocked(g.group_in(), g.group_out(), g.out_pixels(), matrix_columns<T>{{x + group * g.group_in(), g.in_c, true}}, gradient, dw + o,
                   g.out_c, false, cpu::epilogue<T>{});
    else
      gemm_blocked(g.taps() * g.group_in(), g.group_out(), g.out_pixels(), patch_columns<T>{{x, g, group * g.group_in()}}, gradient, dw + o, g.out_c,
                   false, cpu::epilogue<T>{});
  }
}

// dx of a stride-1 convolution: a convolution of dy with the weights turned around.
template <class T>
void direct_data_gradient_dense(const cpu::conv2d_geometry& g, const T* dy, const T* w, T* dx) {
  const cpu::conv2d_geometry turned{
      g.batch, g.out_h, g.out_w, g.out_c, g.in_h, g.in_w, g.in_c, g.k_h, g.k_w, 1, g.dilation * (g.k_h - 1) - g.padding, g.dilation, g.groups};
  scratch<T> flipped(g.taps() * g.group_out() * g.in_c);
  cpu::parallel_for(g.taps() * g.groups, [&](std::int64_t task) {
    const std::int64_t t = task / g.groups, group = task % g.groups;
    for (std::int64_t o = 0; o < g.group_out(); ++o)
      for (std::int64_t i = 0; i < g.group_in(); ++i)
        flipped[((g.taps() - 1 - t) * g.group_out() + o) * g.in_c + group * g.group_in() + i] =
            w[(t * g.group_in() + i) * g.out_c + group * g.group_out() + o];
  });
  direct_forward<T>(turned, dy, flipped.data(), {}, dx);
}

// dx of any other: the gradient of every patch, a matrix product over as many images as a bounded amount of memory holds, then added up where patches
// overlap.
template <class T>
DCS_TARGET void direct_data_gradient_scattered(const cpu::conv2d_geometry& g, const T* dy, const T* w, compute_type<T>* dx) {
  using S = compute_type<T>;
  const std::int64_t pixels = g.out_h * g.out_w, depth = g.taps() * g.group_in();
  const std::int64_t images = std::clamp<std::int64_t>((std::int64_t{1} << 24) / std::max<std::int64_t>(pixels * depth, 1), 1, g.batch);
  scratch<S> columns(images * pixels * depth);
  for (std::int64_t n0 = 0; n0 < g.batch; n0 += images) {
    const std::int64_t count = std::min(images, g.batch - n0);
    for (std::int64_t group = 0; group < g.groups; ++group) {
      gemm_blocked(count * pixels, depth, g.group_out(), matrix_rows<T>{{dy + n0 * pixels * g.out_c + group * g.group_out(), g.out_c, false}},
                   cpu::matrix<T>{w + group * g.group_out(), g.out_c, true}, columns.data(), depth, false, cpu::epilogue<S>{});
      // Rows of the image are independent: each gathers from the output rows that reach it.
      cpu::parallel_for(count * g.in_h, [&](std::int64_t task) DCS_TARGET {
        const std::int64_t n = task / g.in_h, h = task % g.in_h;
        S* row = dx + ((n0 + n) * g.in_h + h) * g.in_w * g.in_c;
        if (group == 0) std::fill(row, row + g.in_w * g.in_c, S(0));
        for (std::int64_t kh = 0; kh < g.k_h; ++kh) {
          const std::int64_t reach = h + g.padding - kh * g.dilation;
          if (reach < 0 || reach % g.stride != 0 || reach / g.stride >= g.out_h) continue;
          for (std::int64_t ow = 0; ow < g.out_w; ++ow)
            for (std::int64_t kw = 0; kw < g.k_w; ++kw) {
              const std::int64_t col = ow * g.stride - g.padding + kw * g.dilation;
              if (col < 0 || col >= g.in_w) continue;
              const S* from = columns.data() + (((n * g.out_h + reach / g.stride) * g.out_w + ow) * g.taps() + kh * g.k_w + kw) * g.group_in();
              S* to = row + col * g.in_c + group * g.group_in();
              std::int64_t c = 0;
              for (; c + lanes<S> <= g.group_in(); c += lanes<S>) store(to + c, load(to + c) + load(from + c));
              for (; c < g.group_in(); ++c) to[c] += from[c];
            }
        }
      });
    }
  }
}

}  // namespace dcs::DCS_ISA
