// Softmax along an axis that others follow, as kernels of the block interface; see cuda.cuh.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/ops/softmax/cuda_state.cuh>

DCS_EXACT_MATH
namespace dcs::cuda {

namespace detail {

/// The middle axis of [outer, n, inner]: a thread has V columns.
template <int V>
struct softmax_columns {
  static constexpr int threads = 256;
  std::int64_t outer, n, inner;
  divider packets{inner / V};

  std::int64_t blocks() const { return ceil_div(outer * (inner / V), std::int64_t{threads}); }
  /// Where the columns of thread `index` begin; below 0 where it has none.
  DCS_DEVICE std::int64_t begin(std::int64_t index) const {
    if (index >= outer * packets.divisor()) return -1;
    const std::int64_t at = packets.split(index) * V;
    return at + index * n * inner;
  }
};

}  // namespace detail

/// Softmax over the middle axis.
template <class T, int V>
struct softmax_columns_forward_kernel {
  static constexpr const char* name = "softmax_columns_forward";
  static constexpr int threads = detail::softmax_columns<V>::threads;
  device_span<const T> x;
  device_span<T> y;
  detail::softmax_columns<V> columns;

  std::int64_t blocks() const { return columns.blocks(); }
  static constexpr std::int64_t shared_bytes() { return 0; }

  template <class Block>
  DCS_DEVICE void operator()(Block& b) const {
    using A = arithmetic_t<T>;
    const std::int64_t at = columns.begin(b.index()), n = columns.n, inner = columns.inner;
    if (at < 0) return;
    const auto in = b.global(x, "x");
    detail::softmax_state<A> seen[V];
    for (std::int64_t i = 0; i < n; ++i) {
      const auto p = in.template read<V>(at + i * inner);
      DCS_DEVICE_UNROLL
      for (int k = 0; k < V; ++k) seen[k].add(p[k]);
    }
    DCS_DEVICE_UNROLL
    for (int k = 0; k < V; ++k) seen[k].sum = 1 / seen[k].sum;
    const auto out = b.global(y, "y");
    for (std::int64_t i = 0; i < n; ++i) {
      auto p = in.template read<V>(at + i * inner);
      DCS_DEVICE_UNROLL
      for (int k = 0; k < V; ++k) p[k] = lane::exp(p[k] - seen[k].top) * seen[k].sum;
      out.write(at + i * inner, p);
    }
  }
};

template <class T, int V>
struct softmax_columns_backward_kernel {
  static constexpr const char* name = "softmax_columns_backward";
  static constexpr int threads = detail::softmax_columns<V>::threads;
  device_span<const T> y, dy;
  device_span<T> dx;
  detail::softmax_columns<V> columns;

  std::int64_t blocks() const { return columns.blocks(); }
  static constexpr std::int64_t shared_bytes() { return 0; }

  template <class Block>
  DCS_DEVICE void operator()(Block& b) const {
    using A = arithmetic_t<T>;
    const std::int64_t at = columns.begin(b.index()), n = columns.n, inner = columns.inner;
    if (at < 0) return;
    const auto value = b.global(y, "y"), gradient = b.global(dy, "dy");
    packet<A, V> dot;
    for (std::int64_t i = 0; i < n; ++i) {
      const auto v = value.template read<V>(at + i * inner), g = gradient.template read<V>(at + i * inner);
      DCS_DEVICE_UNROLL
      for (int k = 0; k < V; ++k) dot[k] += v[k] * g[k];
    }
    const auto out = b.global(dx, "dx");
    for (std::int64_t i = 0; i < n; ++i) {
      auto v = value.template read<V>(at + i * inner);
      const auto g = gradient.template read<V>(at + i * inner);
      DCS_DEVICE_UNROLL
      for (int k = 0; k < V; ++k) v[k] *= g[k] - dot[k];
      out.write(at + i * inner, v);
    }
  }
};

}  // namespace dcs::cuda

#include <dcs/core/header_end.inl>
