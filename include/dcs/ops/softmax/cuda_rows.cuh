// Softmax along the last axis, as kernels of the block interface; see cuda.cuh.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/ops/softmax/cuda_state.cuh>

DCS_EXACT_MATH
namespace dcs::cuda {

/// y = exp(x) / Σ exp(x) of rows of n; R packets of V elements a lane.
template <class T, int V, int R>
struct softmax_rows_forward_kernel {
  static constexpr const char* name = "softmax_rows_forward";
  static constexpr int threads = 256;
  device_span<const T> x;
  device_span<T> y;
  std::int64_t rows, n;
  int lanes = detail::row_lanes(n / V);

  std::int64_t blocks() const { return ceil_div(rows, std::int64_t{threads / lanes}); }
  static constexpr std::int64_t shared_bytes() { return 0; }

  template <class Block>
  DCS_DEVICE void operator()(Block& b) const {
    using A = arithmetic_t<T>;
    const std::int64_t at = b.index() / lanes, row = at < rows ? at : rows - 1;  // every lane takes part in the exchanges
    const int first = b.thread() % lanes * V, step = lanes * V;
    const auto in = b.global(x, "x");
    packet<A, V> v[R];
    A top = std::numeric_limits<A>::lowest(), sum = 0;
    DCS_DEVICE_UNROLL
    for (int r = 0; r < R; ++r)
      if (first + r * step < n) v[r] = in.template read<V>(row * n + first + r * step);
    DCS_DEVICE_UNROLL
    for (int r = 0; r < R; ++r)
      if (first + r * step < n) {
        DCS_DEVICE_UNROLL
        for (int i = 0; i < V; ++i) top = v[r][i] > top ? v[r][i] : top;
      }
    top = detail::lanes_max(b, top, lanes);
    DCS_DEVICE_UNROLL
    for (int r = 0; r < R; ++r)
      if (first + r * step < n) {
        DCS_DEVICE_UNROLL
        for (int i = 0; i < V; ++i) sum += v[r][i] = lane::exp(v[r][i] - top);
      }
    const A inverse = 1 / detail::lanes_sum(b, sum, lanes);
    if (at >= rows) return;
    const auto out = b.global(y, "y");
    DCS_DEVICE_UNROLL
    for (int r = 0; r < R; ++r)
      if (first + r * step < n) {
        DCS_DEVICE_UNROLL
        for (int i = 0; i < V; ++i) v[r][i] *= inverse;
        out.write(row * n + first + r * step, v[r]);
      }
  }
};

/// dx = y · (dy − Σ dy · y) of rows of n.
template <class T, int V, int R>
struct softmax_rows_backward_kernel {
  static constexpr const char* name = "softmax_rows_backward";
  static constexpr int threads = 256;
  device_span<const T> y, dy;
  device_span<T> dx;
  std::int64_t rows, n;
  int lanes = detail::row_lanes(n / V);

  std::int64_t blocks() const { return ceil_div(rows, std::int64_t{threads / lanes}); }
  static constexpr std::int64_t shared_bytes() { return 0; }

  template <class Block>
  DCS_DEVICE void operator()(Block& b) const {
    using A = arithmetic_t<T>;
    const std::int64_t at = b.index() / lanes, row = at < rows ? at : rows - 1;
    const int first = b.thread() % lanes * V, step = lanes * V;
    const auto value = b.global(y, "y"), gradient = b.global(dy, "dy");
    packet<A, V> v[R], g[R];
    A dot = 0;
    DCS_DEVICE_UNROLL
    for (int r = 0; r < R; ++r)
      if (first + r * step < n) {
        v[r] = value.template read<V>(row * n + first + r * step);
        g[r] = gradient.template read<V>(row * n + first + r * step);
      }
    DCS_DEVICE_UNROLL
    for (int r = 0; r < R; ++r) {
      DCS_DEVICE_UNROLL
      for (int i = 0; i < V; ++i) dot += v[r][i] * g[r][i];
    }
    dot = detail::lanes_sum(b, dot, lanes);
    if (at >= rows) return;
    const auto out = b.global(dx, "dx");
    DCS_DEVICE_UNROLL
    for (int r = 0; r < R; ++r)
      if (first + r * step < n) {
        DCS_DEVICE_UNROLL
        for (int i = 0; i < V; ++i) v[r][i] *= g[r][i] - dot;
        out.write(row * n + first + r * step, v[r]);
      }
  }
};

/// The same for rows that do not fit in a warp's registers: a block a row.
template <class T, int V>
struct softmax_long_rows_forward_kernel {
  static constexpr const char* name = "softmax_long_rows_forward";
  static constexpr int threads = 256;
  device_span<const T> x;
  device_span<T> y;
  std::int64_t rows, n;

  std::int64_t blocks() const { return rows; }
  static constexpr std::int64_t shared_bytes() { return 2 * threads / warp_size * static_cast<std::int64_t>(sizeof(arithmetic_t<T>)); }

  template <class Block>
  DCS_DEVICE void operator()(Block& b) const {
    using A = arithmetic_t<T>;
    const std::int64_t row = b.block() * n;
    const auto in = b.global(x, "x");
    const auto warps = b.template shared<A>(2 * threads / warp_size, "largest and sum of each warp");
    detail::softmax_state<A> seen;
    for (std::int64_t i = b.thread() * V; i < n; i += threads * V) {
      const auto p = in.template read<V>(row + i);
      A top = seen.top;
      DCS_DEVICE_UNROLL
      for (int k = 0; k < V; ++k) top = p[k] > top ? p[k] : top;
      seen.sum *= lane::exp(seen.top - top), seen.top = top;
      DCS_DEVICE_UNROLL
      for (int k = 0; k < V; ++k) seen.sum += lane::exp(p[k] - top);
    }
    const A top = warp_max(b, seen.top), sum = warp_sum(b, seen.sum * lane::exp(seen.top - top));
    if (b.lane() == 0) warps.write(2 * b.warp(), top), warps.write(2 * b.warp() + 1, sum);
    b.barrier();
    detail::softmax_state<A> all;
    DCS_DEVICE_UNROLL
    for (int w = 0; w < threads / warp_size; ++w) all.add({warps.read(2 * w), warps.read(2 * w + 1)});
    const A inverse = 1 / all.sum;
    const auto out = b.global(y, "y");
    for (std::int64_t i = b.thread() * V; i < n; i += threads * V) {
      auto p = in.template read<V>(row + i);
      DCS_DEVICE_UNROLL
      for (int k = 0; k < V; ++k) p[k] = lane::exp(p[k] - all.top) * inverse;
      out.write(row + i, p);
    }
  }
};

template <class T, int V>
struct softmax_long_rows_backward_kernel {
  static constexpr const char* name = "softmax_long_rows_backward";
  static constexpr int threads = 256;
  device_span<const T> y, dy;
  device_span<T> dx;
  std::int64_t rows, n;

  std::int64_t blocks() const { return rows; }
  static constexpr std::int64_t shared_bytes() { return threads / warp_size * static_cast<std::int64_t>(sizeof(arithmetic_t<T>)); }

  template <class Block>
  DCS_DEVICE void operator()(Block& b) const {
    using A = arithmetic_t<T>;
    const std::int64_t row = b.block() * n;
    const auto value = b.global(y, "y"), gradient = b.global(dy, "dy");
    const auto partial = b.template shared<A>(threads / warp_size, "sum of each warp");
    A dot = 0;
    for (std::int64_t i = b.thread() * V; i < n; i += threads * V) {
      const auto v = value.template read<V>(row + i), g = gradient.template read<V>(row + i);
      DCS_DEVICE_UNROLL
      for (int k = 0; k < V; ++k) dot += v[k] * g[k];
    }
    dot = block_sum(b, partial, dot);
    const auto out = b.global(dx, "dx");
    for (std::int64_t i = b.thread() * V; i < n; i += threads * V) {
      auto v = value.template read<V>(row + i);
      const auto g = gradient.template read<V>(row + i);
      DCS_DEVICE_UNROLL
      for (int k = 0; k < V; ++k) v[k] *= g[k] - dot;
      out.write(row + i, v);
    }
  }
};

}  // namespace dcs::cuda

#include <dcs/core/header_end.inl>
