// Pooling as kernels of the block interface: a thread has a packet of channels of one pixel, and neighbouring threads have neighbouring packets.
// Forward, a pixel of the result reads its window; backward, a pixel of the input gathers from every window that contains it, in the order of the
// taps, so that every element is written by one thread. Square windows of 1, 2 and 3 are unrolled.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/cuda/device.hpp>
#include <dcs/ops/conv2d/geometry.hpp>

DCS_EXACT_MATH
namespace dcs::cuda {

namespace detail {

// Numbers the packets of all pixels of a map, and finds the windows of a pooling; K = 0: the window's sides are known at run time only.
template <int V, int K>
struct pool_windows {
  explicit pool_windows(const cpu::conv2d_geometry& g, bool of_output)
      : packets(g.in_c / V),
        columns(of_output ? g.out_w : g.in_w),
        rows(of_output ? g.out_h : g.in_h),
        in_h(dcs::detail::narrow_size("dcs::pool", g.in_h)),
        in_w(dcs::detail::narrow_size("dcs::pool", g.in_w)),
        out_h(dcs::detail::narrow_size("dcs::pool", g.out_h)),
        out_w(dcs::detail::narrow_size("dcs::pool", g.out_w)),
        k_h(static_cast<int>(g.k_h)),
        k_w(static_cast<int>(g.k_w)),
        padding(static_cast<int>(g.padding)),
        stride(static_cast<int>(g.stride)),
        count(g.batch * rows.divisor() * columns.divisor() * packets.divisor()) {}

  divider packets, columns, rows;
  int in_h, in_w, out_h, out_w, k_h, k_w, padding, stride;
  std::int64_t count;

  /// The pixel of packet i, and the packet's first channel.
  struct place {
    std::int64_t channel, image;
    int row, column;
  };
  DCS_DEVICE place locate(std::int64_t i) const {
    place at;
    at.channel = packets.split(i) * V;
    at.column = static_cast<int>(columns.split(i));
    at.row = static_cast<int>(rows.split(i));
    at.image = i;
    return at;
  }
  DCS_DEVICE std::int64_t input(std::int64_t image, int row, int column) const {
    return ((image * in_h + row) * in_w + column) * packets.divisor() * V;
  }
  DCS_DEVICE std::int64_t output(std::int64_t image, int row, int column) const {
    return ((image * out_h + row) * out_w + column) * packets.divisor() * V;
  }
  template <class F>
  DCS_DEVICE void each_tap(const F& f) const {
    if constexpr (K > 0) {
      DCS_DEVICE_UNROLL
      for (int y = 0; y < K; ++y) {
        DCS_DEVICE_UNROLL
        for (int x = 0; x < K; ++x) f(y, x, y * K + x);
      }
    } else {
      for (int y = 0; y < k_h; ++y)
        for (int x = 0; x < k_w; ++x) f(y, x, y * k_w + x);
    }
  }
  /// Calls f(row, column, tap) for the pixels of the input in a window.
  template <class F>
  DCS_DEVICE void each_input(int row, int column, const F& f) const {
    const int top = row * stride - padding, left = column * stride - padding;
    each_tap([&](int y, int x, int tap) {
      if (top + y >= 0 && top + y < in_h && left + x >= 0 && left + x < in_w) f(top + y, left + x, tap);
    });
  }
  /// Calls f(row, column, tap) for the windows that contain a pixel of the input; `tap` is the pixel's index in the window.
  template <class F>
  DCS_DEVICE void each_output(int row, int column, const F& f) const {
    each_tap([&](int y, int x, int tap) {
      const int below = row + padding - y, right = column + padding - x;
      if (below < 0 || right < 0) return;
      const int h = below / stride, w = right / stride;
      if (h * stride == below && w * stride == right && h < out_h && w < out_w) f(h, w, tap);
    });
  }
  /// The number of pixels of the input in a window.
  DCS_DEVICE int covered(int row, int column) const {
    return inside(row * stride - padding, in_h, k_h) * inside(column * stride - padding, in_w, k_w);
  }

 private:
  DCS_DEVICE int inside(int first, int size, int k) const {
    const int last = first + (K > 0 ? K : k);
    return (last < size ? last : size) - (first > 0 ? first : 0);
  }
};

inline constexpr int pool_threads = 256;

// What the kernels of pooling share: a thread for each packet.
template <int V, int K>
struct pool_kernel {
  pool_windows<V, K> windows;

  std::int64_t blocks() const { return ceil_div(windows.count, std::int64_t{pool_threads}); }
  static constexpr std::int64_t shared_bytes() { return 0; }
};

}  // namespace detail

/// y = the largest of each window, winner = the index of the first tap that has it.
template <class T, int V, int K>
struct max_pool_forward_kernel : detail::pool_kernel<V, K> {
  static constexpr const char* name = "max_pool_forward";
  static constexpr int threads = detail::pool_threads;
  device_span<const T> x;
  device_span<T> y, winner;

  template <class Block>
  DCS_DEVICE void operator()(Block& b) const {
    using A = arithmetic_t<T>;
    const auto& windows = this->windows;
    if (b.index() >= windows.count) return;
    const auto own = windows.locate(b.index());
    const auto in = b.global(x, "x");
    packet<A, V> best, tap_of;
    bool first = true;
    windows.each_input(own.row, own.column, [&](int h, int w, int tap) {
      const auto v = in.template read<V>(windows.input(own.image, h, w) + own.channel);
      DCS_DEVICE_UNROLL
      for (int k = 0; k < V; ++k)
        if (first || v[k] > best[k] || v[k] != v[k]) best[k] = v[k], tap_of[k] = static_cast<A>(tap);
      first = false;
    });
    const std::int64_t at = windows.output(own.image, own.row, own.column) + own.channel;
    b.global(y, "y").write(at, best);
    b.global(winner, "winner").write(at, tap_of);
  }
};

/// dx = Σ dy of the windows whose maximum the pixel is.
template <class T, int V, int K>
struct max_pool_backward_kernel : detail::pool_kernel<V, K> {
  static constexpr const char* name = "max_pool_backward";
  static constexpr int threads = detail::pool_threads;
  device_span<const T> dy, winner;
  device_span<T> dx;

  template <class Block>
  DCS_DEVICE void operator()(Block& b) const {
    using A = arithmetic_t<T>;
    const auto& windows = this->windows;
    if (b.index() >= windows.count) return;
    const auto own = windows.locate(b.index());
    const auto gradient = b.global(dy, "dy"), which = b.global(winner, "winner");
    packet<A, V> sum;
    windows.each_output(own.row, own.column, [&](int h, int w, int tap) {
      const std::int64_t at = windows.output(own.image, h, w) + own.channel;
      const auto won = which.template read<V>(at), g = gradient.template read<V>(at);
      DCS_DEVICE_UNROLL
      for (int k = 0; k < V; ++k) sum[k] += won[k] == static_cast<A>(tap) ? g[k] : A(0);
    });
    b.global(dx, "dx").write(windows.input(own.image, own.row, own.column) + own.channel, sum);
  }
};

/// y = the mean over the pixels of each window that lie in the image.
template <class T, int V, int K>
struct avg_pool_forward_kernel : detail::pool_kernel<V, K> {
  static constexpr const char* name = "avg_pool_forward";
  static constexpr int threads = detail::pool_threads;
  device_span<const T> x;
  device_span<T> y;

  template <class Block>
  DCS_DEVICE void operator()(Block& b) const {
    using A = arithmetic_t<T>;
    const auto& windows = this->windows;
    if (b.index() >= windows.count) return;
    const auto own = windows.locate(b.index());
    const auto in = b.global(x, "x");
    packet<A, V> sum;
    windows.each_input(own.row, own.column, [&](int h, int w, int) {
      const auto v = in.template read<V>(windows.input(own.image, h, w) + own.channel);
      DCS_DEVICE_UNROLL
      for (int k = 0; k < V; ++k) sum[k] += v[k];
    });
    const A share = A(1) / static_cast<A>(windows.covered(own.row, own.column));
    DCS_DEVICE_UNROLL
    for (int k = 0; k < V; ++k) sum[k] *= share;
    b.global(y, "y").write(windows.output(own.image, own.row, own.column) + own.channel, sum);
  }
};

/// dx = Σ dy / pixels over the windows that contain a pixel.
template <class T, int V, int K>
struct avg_pool_backward_kernel : detail::pool_kernel<V, K> {
  static constexpr const char* name = "avg_pool_backward";
  static constexpr int threads = detail::pool_threads;
  device_span<const T> dy;
  device_span<T> dx;

  template <class Block>
  DCS_DEVICE void operator()(Block& b) const {
    using A = arithmetic_t<T>;
    const auto& windows = this->windows;
    if (b.index() >= windows.count) return;
    const auto own = windows.locate(b.index());
    const auto gradient = b.global(dy, "dy");
    packet<A, V> sum;
    windows.each_output(own.row, own.column, [&](int h, int w, int) {
      const auto g = gradient.template read<V>(windows.output(own.image, h, w) + own.channel);
      const A share = A(1) / static_cast<A>(windows.covered(h, w));
      DCS_DEVICE_UNROLL
      for (int k = 0; k < V; ++k) sum[k] += g[k] * share;
    });
    b.global(dx, "dx").write(windows.input(own.image, own.row, own.column) + own.channel, sum);
  }
};

namespace detail {
// Calls body(V, K) with the constants of the kernels for a pooling.
template <class T, class Body>
void with_windows(const cpu::conv2d_geometry& g, const Body& body) {
  with_packets<T>(g.in_c, [&](auto v) {
    if (g.k_h != g.k_w)
      body(v, std::integral_constant<int, 0>{});
    else if (g.k_w == 1)
      body(v, std::integral_constant<int, 1>{});
    else if (g.k_w == 2)
      body(v, std::integral_constant<int, 2>{});
    else if (g.k_w == 3)
      body(v, std::integral_constant<int, 3>{});
    else
      body(v, std::integral_constant<int, 0>{});
  });
}
inline std::int64_t pool_inputs(const cpu::conv2d_geometry& g) { return g.in_pixels() * g.in_c; }
inline std::int64_t pool_outputs(const cpu::conv2d_geometry& g) { return g.out_pixels() * g.in_c; }
}  // namespace detail

template <class T, gpu D>
void max_pool_forward(D, const cpu::conv2d_geometry& g, const T* x, T* y, T* winner) {
  const std::int64_t in = detail::pool_inputs(g), out = detail::pool_outputs(g);
  detail::with_windows<T>(g, [&](auto v, auto k) {
    launch(D{}, max_pool_forward_kernel<T, v, k>{{detail::pool_windows<v, k>(g, true)}, {x, in}, {y, out}, {winner, out}});
  });
}
template <class T, gpu D>
void max_pool_backward(D, const cpu::conv2d_geometry& g, const T* dy, const T* winner, T* dx) {
  const std::int64_t in = detail::pool_inputs(g), out = detail::pool_outputs(g);
  detail::with_windows<T>(g, [&](auto v, auto k) {
    launch(D{}, max_pool_backward_kernel<T, v, k>{{detail::pool_windows<v, k>(g, false)}, {dy, out}, {winner, out}, {dx, in}});
  });
}
template <class T, gpu D>
void avg_pool_forward(D, const cpu::conv2d_geometry& g, const T* x, T* y) {
  const std::int64_t in = detail::pool_inputs(g), out = detail::pool_outputs(g);
  detail::with_windows<T>(g, [&](auto v, auto k) {
    launch(D{}, avg_pool_forward_kernel<T, v, k>{{detail::pool_windows<v, k>(g, true)}, {x, in}, {y, out}});
  });
}
template <class T, gpu D>
void avg_pool_backward(D, const cpu::conv2d_geometry& g, const T* dy, T* dx) {
  const std::int64_t in = detail::pool_inputs(g), out = detail::pool_outputs(g);
  detail::with_windows<T>(g, [&](auto v, auto k) {
    launch(D{}, avg_pool_backward_kernel<T, v, k>{{detail::pool_windows<v, k>(g, false)}, {dy, out}, {dx, in}});
  });
}

}  // namespace dcs::cuda

#include <dcs/core/header_end.inl>
