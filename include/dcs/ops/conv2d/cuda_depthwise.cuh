// Depthwise convolutions as kernels of the block interface. They are bound by memory, and the libraries' kernels, which use matrix units, are slow
// for them. A thread has 16 bytes of the channels and four pixels of a row, so that a weight is read once for the four. For a pixel outside of the
// image some pixel inside is read and not added: with a branch around each read, only one would be in flight. Gradients of weights are summed by
// blocks that have up to 32 packets of channels and a chunk of the pixels (cuda/column_tiles.hpp), nine taps at a time, then over the chunks.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/cuda/column_tiles.hpp>
#include <dcs/cuda/epilogue.cuh>
#include <dcs/ops/conv2d/geometry.hpp>

DCS_EXACT_MATH
namespace dcs::cuda {

/// y = act(x ⋆ w · scale + shift + residual), a filter for each channel.
template <class T, int V>
struct depthwise_forward_kernel {
  static constexpr const char* name = "depthwise_forward";
  static constexpr int threads = 256, strip = 4;
  using A = arithmetic_t<T>;
  device_span<const T> x, w;
  detail::epilogue_spans<T> epilogue;
  device_span<T> y;
  cpu::conv2d_geometry g;
  divider packets, strips, rows;

  depthwise_forward_kernel(const cpu::conv2d_geometry& geometry, const T* from, const T* weights, const cpu::epilogue<T>& e, T* to)
      : x{from, geometry.in_pixels() * geometry.in_c},
        w{weights, geometry.weights()},
        epilogue(e, geometry.out_pixels(), geometry.out_c),
        y{to, geometry.out_pixels() * geometry.out_c},
        g(geometry),
        packets(g.in_c / V),
        strips(ceil_div<std::int64_t>(g.out_w, strip)),
        rows(g.out_h) {}
  std::int64_t blocks() const { return ceil_div(g.batch * g.out_h * strips.divisor() * packets.divisor(), std::int64_t{threads}); }
  static constexpr std::int64_t shared_bytes() { return 0; }

  template <class Block>
  DCS_DEVICE void operator()(Block& b) const {
    std::int64_t n = b.index();
    const std::int64_t c = packets.split(n) * V, ow = strips.split(n) * strip, oh = rows.split(n);
    if (n >= g.batch) return;
    const auto in = b.global(x, "x"), weights = b.global(w, "w");
    const auto out = b.global(y, "y");
    packet<A, V> sum[strip];
    for (std::int64_t kh = 0; kh < g.k_h; ++kh) {
      const std::int64_t h = oh * g.stride - g.padding + kh * g.dilation;
      if (h < 0 || h >= g.in_h) continue;
      for (std::int64_t kw = 0; kw < g.k_w; ++kw) {
        const auto f = weights.template read<V>((kh * g.k_w + kw) * g.in_c + c);
        packet<A, V> p[strip];
        bool inside[strip];
        DCS_DEVICE_UNROLL
        for (int s = 0; s < strip; ++s) {
          const std::int64_t v = (ow + s) * g.stride - g.padding + kw * g.dilation;
          inside[s] = v >= 0 && v < g.in_w && ow + s < g.out_w;
          p[s] = in.template read<V>(((n * g.in_h + h) * g.in_w + (inside[s] ? v : 0)) * g.in_c + c);
        }
        DCS_DEVICE_UNROLL
        for (int s = 0; s < strip; ++s) {
          DCS_DEVICE_UNROLL
          for (int k = 0; k < V; ++k) sum[s][k] += inside[s] ? p[s][k] * f[k] : A(0);
        }
      }
    }
    DCS_DEVICE_UNROLL
    for (int s = 0; s < strip; ++s) {
      if (ow + s >= g.out_w) continue;
      const std::int64_t at = ((n * g.out_h + oh) * g.out_w + ow + s) * g.in_c + c;
      epilogue.template finish<V>(b, sum[s], at, c);
      out.write(at, sum[s]);
    }
  }
};

/// dx of a depthwise convolution: a pixel's gradient is the sum over every tap that read it.
template <class T, int V>
struct depthwise_data_gradient_kernel {
  static constexpr const char* name = "depthwise_data_gradient";
  static constexpr int threads = 256, strip = 4;
  using A = arithmetic_t<T>;
  device_span<const T> dy, w;
  device_span<T> dx;
  cpu::conv2d_geometry g;
  divider packets, strips, rows, stride;

  depthwise_data_gradient_kernel(const cpu::conv2d_geometry& geometry, const T* gradient, const T* weights, T* to)
      : dy{gradient, geometry.out_pixels() * geometry.out_c},
        w{weights, geometry.weights()},
        dx{to, geometry.in_pixels() * geometry.in_c},
        g(geometry),
        packets(g.in_c / V),
        strips(ceil_div<std::int64_t>(g.in_w, strip)),
        rows(g.in_h),
        stride(g.stride) {}
  std::int64_t blocks() const { return ceil_div(g.batch * g.in_h * strips.divisor() * packets.divisor(), std::int64_t{threads}); }
  static constexpr std::int64_t shared_bytes() { return 0; }

  template <class Block>
  DCS_DEVICE void operator()(Block& b) const {
    std::int64_t n = b.index();
    const std::int64_t c = packets.split(n) * V, left = strips.split(n) * strip, h = rows.split(n);
    if (n >= g.batch) return;
    const auto gradient = b.global(dy, "dy"), weights = b.global(w, "w");
    const auto out = b.global(dx, "dx");
    packet<A, V> sum[strip];
    for (std::int64_t kh = 0; kh < g.k_h; ++kh) {
      std::int64_t oh = h + g.padding - kh * g.dilation;
      if (oh < 0 || stride.split(oh) != 0 || oh >= g.out_h) continue;
      for (std::int64_t kw = 0; kw < g.k_w; ++kw) {
        const auto f = weights.template read<V>((kh * g.k_w + kw) * g.in_c + c);
        packet<A, V> p[strip];
        bool contributes[strip];
        DCS_DEVICE_UNROLL
        for (int s = 0; s < strip; ++s) {
          std::int64_t ow = left + s + g.padding - kw * g.dilation;
          const bool inside = ow >= 0 && left + s < g.in_w;
          if (!inside) ow = 0;
          contributes[s] = stride.split(ow) == 0 && ow < g.out_w && inside;
          p[s] = gradient.template read<V>(((n * g.out_h + oh) * g.out_w + (contributes[s] ? ow : 0)) * g.in_c + c);
        }
        DCS_DEVICE_UNROLL
        for (int s = 0; s < strip; ++s) {
          DCS_DEVICE_UNROLL
          for (int k = 0; k < V; ++k) sum[s][k] += contributes[s] ? p[s][k] * f[k] : A(0);
        }
      }
    }
    DCS_DEVICE_UNROLL
    for (int s = 0; s < strip; ++s)
      if (left + s < g.in_w) out.write(((n * g.in_h + h) * g.in_w + left + s) * g.in_c + c, sum[s]);
  }
};

/// partial[tap, c, chunk] = Σ over a chunk of the result's pixels of dy · the input pixel that the tap read. A block has nine taps.
template <class T, int V>
struct depthwise_weight_gradient_kernel {
  static constexpr const char* name = "depthwise_weight_gradient";
  static constexpr int threads = column_tiles::threads, together = 9, resident = 2;
  using A = arithmetic_t<T>;
  device_span<const T> x, dy;
  device_span<A> partial;
  cpu::conv2d_geometry g;
  column_tiles tile;
  divider width, height;
  std::int64_t taps;

  depthwise_weight_gradient_kernel(const cpu::conv2d_geometry& geometry, const T* from, const T* gradient, A* to, const column_tiles& t)
      : x{from, geometry.in_pixels() * geometry.in_c},
        dy{gradient, geometry.out_pixels() * geometry.out_c},
        partial{to, geometry.weights() * t.chunks},
        g(geometry),
        tile(t),
        width(g.out_w),
        height(g.out_h),
        taps(g.taps()) {}
  std::int64_t blocks() const { return tile.blocks() * ceil_div<std::int64_t>(taps, together); }
  static constexpr std::int64_t shared_bytes() { return threads * V * static_cast<std::int64_t>(sizeof(A)); }

  template <class Block>
  DCS_DEVICE void operator()(Block& b) const {
    const auto in = b.global(x, "x"), gradient = b.global(dy, "dy");
    const auto out = b.global(partial, "partial");
    const auto store = b.template shared<A>(threads * V, "sums of the groups");
    std::int64_t rest = b.block();
    const std::int64_t part = rest % tile.chunks;
    rest /= tile.chunks;
    const std::int64_t first_tap = rest / tile.tiles * together, first_h = first_tap / g.k_w, first_w = first_tap % g.k_w;
    const int place = b.thread() % tile.width, group = b.thread() / tile.width;
    const std::int64_t p = rest % tile.tiles * tile.width + place, c = p * V;
    const bool has_channels = p < tile.packets;
    packet<A, V> sum[together];
    const std::int64_t begin = part * tile.chunk, end = begin + tile.rows_of(part);
    if (has_channels)
      for (std::int64_t row = begin + group; row < end; row += tile.groups()) {
        std::int64_t n = row;
        const std::int64_t ow = width.split(n), oh = height.split(n);
        const auto d = gradient.template read<V>(row * g.in_c + c);
        std::int64_t kh = first_h, kw = first_w;
        packet<A, V> q[together];
        bool taken[together];
        DCS_DEVICE_UNROLL
        for (int t = 0; t < together; ++t) {
          const std::int64_t h = oh * g.stride - g.padding + kh * g.dilation, v = ow * g.stride - g.padding + kw * g.dilation;
          taken[t] = first_tap + t < taps && h >= 0 && h < g.in_h && v >= 0 && v < g.in_w;
          q[t] = in.template read<V>((n * g.in_h * g.in_w + (taken[t] ? h * g.in_w + v : 0)) * g.in_c + c);
          if (++kw == g.k_w) kw = 0, ++kh;
        }
        DCS_DEVICE_UNROLL
        for (int t = 0; t < together; ++t) {
          DCS_DEVICE_UNROLL
          for (int k = 0; k < V; ++k) sum[t][k] += taken[t] ? d[k] * q[t][k] : A(0);
        }
      }
    DCS_DEVICE_UNROLL
    for (int t = 0; t < together; ++t) {
      if (first_tap + t >= taps) break;
      DCS_DEVICE_UNROLL
      for (int k = 0; k < V; ++k) store.write(k * threads + b.thread(), sum[t][k]);
      b.barrier();
      if (group == 0 && has_channels) {
        DCS_DEVICE_UNROLL
        for (int k = 0; k < V; ++k) {
          A all = 0;
          for (int other = 0; other < tile.groups(); ++other) all += store.read(k * threads + other * tile.width + place);
          out.write(((first_tap + t) * g.in_c + c + k) * tile.chunks + part, all);
        }
      }
      b.barrier();
    }
  }
};

// The library's convolutions, computed by the host: weights are [out][height][width][in / groups].

}  // namespace dcs::cuda

#include <dcs/core/header_end.inl>
