// Convolution on a GPU. Libraries compute all but depthwise convolutions: a 1 × 1 convolution is a matrix product with its epilogue
// (cuda/cublas.cuh), any other a graph of cuDNN (cudnn.cuh). These libraries expect weights as [out][height][width][in], so the weights are
// transposed first and multiplied by the epilogue's scale in the same pass; the library's epilogue is then shift, residual and ReLU. cuda::emulated
// uses the host's ops instead of a library.
//
// Depthwise convolutions are kernels of this file: they are bound by memory, and the libraries' kernels, which use matrix units, are slow for them. A
// thread has 16 bytes of the channels and four pixels of a row, so that a weight is read once for the four. For a pixel outside of the image some
// pixel inside is read and not added: with a branch around each read, only one would be in flight. Gradients of weights are summed by blocks that
// have up to 32 packets of channels and a chunk of the pixels (cuda/column_tiles.hpp), nine taps at a time, then over the chunks.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/cuda/column_tiles.hpp>
#include <dcs/cuda/epilogue.cuh>
#include <dcs/cuda/gemm.cuh>
#include <dcs/expr/chain.cuh>
#include <dcs/ops/conv2d/cpu.hpp>

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

namespace detail {
template <class A>
std::vector<A> turned_weights(const A* w, std::int64_t rows, std::int64_t columns) {
  std::vector<A> t(static_cast<std::size_t>(rows * columns));
  cpu::transposition(cpu_device{}, w, 1, rows, columns, t.data());
  return t;
}
}  // namespace detail

template <class T>
void library_convolution(emulated, const cpu::conv2d_geometry& g, const T* x, const T* w, const cpu::epilogue<T>& e, T* y) {
  using A = arithmetic_t<T>;
  const std::int64_t results = g.out_pixels() * g.out_c;
  const detail::widened<T> in(x, g.in_pixels() * g.in_c), weights(w, g.weights()), shift(e.shift, g.out_c), residual(e.residual, results);
  const auto turned = detail::turned_weights(weights.data(), g.out_c, g.weights() / g.out_c);
  detail::rounding(y, results, [&](A* out) {
    cpu::conv2d_forward<A>(g, in.data(), turned.data(), {nullptr, shift.data(), residual.data(), g.out_c, e.relu}, out);
  });
}
template <class T>
void library_data_gradient(emulated, const cpu::conv2d_geometry& g, const T* dy, const T* w, T* dx) {
  using A = arithmetic_t<T>;
  const detail::widened<T> gradient(dy, g.out_pixels() * g.out_c), weights(w, g.weights());
  const auto turned = detail::turned_weights(weights.data(), g.out_c, g.weights() / g.out_c);
  detail::rounding(dx, g.in_pixels() * g.in_c, [&](A* out) { cpu::conv2d_data_gradient<A>(g, gradient.data(), turned.data(), out); });
}
template <class T>
void library_weight_gradient(emulated, const cpu::conv2d_geometry& g, const T* x, const T* dy, T* dw) {
  using A = arithmetic_t<T>;
  const detail::widened<T> in(x, g.in_pixels() * g.in_c), gradient(dy, g.out_pixels() * g.out_c);
  std::vector<A> plain(static_cast<std::size_t>(g.weights()));
  cpu::conv2d_weight_gradient<A>(g, in.data(), gradient.data(), plain.data());
  detail::rounding(dw, g.weights(), [&](A* out) { cpu::transposition(cpu_device{}, plain.data(), 1, g.weights() / g.out_c, g.out_c, out); });
}

// The entry points of a convolution.

namespace detail {
inline bool is_product(const cpu::conv2d_geometry& g) { return g.pointwise() && g.groups == 1; }
// Weights in the order of the libraries, each output channel times its scale where there is one.
template <class D, class T>
device_scratch<T, D> library_weights(const cpu::conv2d_geometry& g, const T* w, const T* scale) {
  device_scratch<T, D> turned(g.weights());
  transposition(D{}, w, 1, g.weights() / g.out_c, g.out_c, turned.data(), scale);
  return turned;
}
}  // namespace detail

template <class T, gpu D>
void relu_gradient(D, const T* y, const T* dy, T* out, std::int64_t n) {
  expr::chain_arguments<T, 1> a;
  a.in[0] = y, a.columns = n, a.inner[0] = 1;
  if (n > 0) chain_backward<expr::call<functions::relu, expr::leaf<0>>>(D{}, a, dy, &out);
}
template <class T, gpu D>
void sum_rows(D, const T* dy, std::int64_t rows, std::int64_t channels, T* out) {
  const std::int64_t size[2] = {rows, channels}, keep[2] = {0, 1};
  sum_to(D{}, out, channels, dy, size, 2, keep);
}
template <class T, gpu D>
void scaled_weights(D, const T* from, const T* scale, std::int64_t rows, std::int64_t channels, T* to) {
  const std::int64_t size[2] = {rows, channels}, strides[2][expr::max_rank] = {{channels, 1}, {0, 1}};
  expr::chain_arguments<T, 2> a;
  a.in[0] = from, a.in[1] = scale, a.out = to;
  a.lay_out(size, 2, strides);
  if (rows * channels > 0) chain_forward<expr::call<functions::mul, expr::leaf<0>, expr::leaf<1>>>(D{}, a);
}
template <class T, gpu D>
void conv2d_forward(D, const cpu::conv2d_geometry& g, const T* x, const T* w, const cpu::epilogue<T>& e, T* y) {
  if (g.out_pixels() == 0) return;
  if (g.depthwise()) return with_packets<T>(g.in_c, [&](auto v) { launch(D{}, depthwise_forward_kernel<T, decltype(v)::value>(g, x, w, e, y)); });
  const cpu::epilogue<T> rest{nullptr, e.shift, e.residual, e.residual_stride, e.relu};
  if (!detail::is_product(g)) {
    const auto turned = detail::library_weights<D>(g, w, e.scale);
    return library_convolution(D{}, g, x, static_cast<const T*>(turned.data()), rest, y);
  }
  const device_scratch<T, D> scaled(e.scale ? g.weights() : 0);
  if (e.scale) scaled_weights(D{}, w, e.scale, g.in_c, g.out_c, scaled.data());
  gemm<T>(D{}, 1, g.out_pixels(), g.out_c, g.in_c, cpu::matrix<T>{x, g.in_c}, cpu::matrix<T>{e.scale ? scaled.data() : w, g.out_c}, y, rest);
}

template <class T, gpu D>
void conv2d_data_gradient(D, const cpu::conv2d_geometry& g, const T* dy, const T* w, T* dx) {
  if (g.in_pixels() == 0) return;
  if (g.depthwise())
    with_packets<T>(g.in_c, [&](auto v) { launch(D{}, depthwise_data_gradient_kernel<T, decltype(v)::value>(g, dy, w, dx)); });
  else if (detail::is_product(g))
    gemm<T>(D{}, 1, g.out_pixels(), g.in_c, g.out_c, cpu::matrix<T>{dy, g.out_c}, cpu::matrix<T>{w, g.out_c, true}, dx);
  else
    library_data_gradient(D{}, g, dy, static_cast<const T*>(detail::library_weights<D, T>(g, w, nullptr).data()), dx);
}

namespace detail {
template <int V, class T, gpu D>
void depthwise_weight_gradient(D, const cpu::conv2d_geometry& g, const T* x, const T* dy, T* dw) {
  using A = arithmetic_t<T>;
  const column_tiles tile(g.out_pixels(), g.in_c / V);
  const device_scratch<A, D> partial(g.weights() * tile.chunks);
  launch(D{}, depthwise_weight_gradient_kernel<T, V>(g, x, dy, partial.data(), tile));
  launch(D{}, sum_chunks_kernel<T, A>{{partial.data(), g.weights() * tile.chunks}, {dw, g.weights()}, tile.chunks, A(1)});
}
}  // namespace detail

template <class T, gpu D>
void conv2d_weight_gradient(D, const cpu::conv2d_geometry& g, const T* x, const T* dy, T* dw) {
  if (g.out_pixels() == 0) return D::zero(dw, g.weights() * static_cast<std::int64_t>(sizeof(T)));
  if (g.depthwise()) {
    constexpr int most = packet_size<T> < 4 ? packet_size<T> : 4;  // the sums, nine packets, are in registers
    return g.in_c % most == 0 ? detail::depthwise_weight_gradient<most>(D{}, g, x, dy, dw) : detail::depthwise_weight_gradient<1>(D{}, g, x, dy, dw);
  }
  if (detail::is_product(g))
    return gemm<T>(D{}, 1, g.in_c, g.out_c, g.out_pixels(), cpu::matrix<T>{x, g.in_c, true}, cpu::matrix<T>{dy, g.out_c}, dw);
  const device_scratch<T, D> turned(g.weights());
  library_weight_gradient(D{}, g, x, dy, turned.data());
  transposition(D{}, static_cast<const T*>(turned.data()), 1, g.out_c, g.weights() / g.out_c, dw);
}

}  // namespace dcs::cuda

#include <dcs/core/header_end.inl>
