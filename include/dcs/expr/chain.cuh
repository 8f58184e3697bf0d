// Pointwise expressions as kernels of the block interface. A chain is one launch forward and one backward, whatever the expression: a thread has 16
// bytes of the result.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/cuda/device.hpp>
#include <dcs/expr/scalar.hpp>
#include <dcs/expr/sums.cuh>

DCS_EXACT_MATH
namespace dcs::cuda {

namespace detail {

// The offset of an element of the result in each of N leaves, from the lowest address that is read: strides may be negative.
template <int N>
struct leaf_layout {
  static constexpr int leaves = N > 0 ? N : 1;
  std::int64_t inner[leaves] = {}, strides[leaves][expr::max_rank] = {}, size[leaves] = {};
  std::int64_t first[leaves] = {};  // the offset of the result's first element
  divider outer[expr::max_rank];
  divider packets_in_row;
  int outer_rank = 0;

  template <class T>
  leaf_layout(const expr::chain_arguments<T, N>& a, int packet) : packets_in_row(a.columns / packet), outer_rank(a.outer_rank) {
    for (int d = 0; d < outer_rank; ++d) outer[d] = divider(a.outer[d]);
    for (int k = 0; k < N; ++k) {
      inner[k] = a.inner[k], size[k] = 1;
      widen(k, (a.columns - 1) * a.inner[k]);
      for (int d = 0; d < outer_rank; ++d) strides[k][d] = a.strides[k][d], widen(k, (a.outer[d] - 1) * a.strides[k][d]);
    }
  }
  // An axis reaches this far from its first element.
  void widen(int k, std::int64_t reach) {
    size[k] += reach < 0 ? -reach : reach;
    if (reach < 0) first[k] -= reach;
  }
  /// Offsets of the row, and its column, of packet i.
  template <int V>
  DCS_DEVICE std::int64_t locate(std::int64_t i, std::int64_t* row) const {
    const std::int64_t column = packets_in_row.split(i) * V;
    DCS_DEVICE_UNROLL
    for (int k = 0; k < N; ++k) row[k] = first[k];
    for (int d = outer_rank - 1; d >= 0; --d) {
      const std::int64_t at = outer[d].split(i);
      DCS_DEVICE_UNROLL
      for (int k = 0; k < N; ++k) row[k] += at * strides[k][d];
    }
    return column;
  }
};

// Whether accesses of whole packets are possible: rows of the result, and of every leaf that does not repeat along the row, must consist of whole
// packets.
template <class T, int N>
bool chain_takes_packets(const expr::chain_arguments<T, N>& a) {
  constexpr int v = packet_size<T>;
  bool fits = a.columns % v == 0;
  for (int k = 0; k < N; ++k) {
    if (a.inner[k] == 0) continue;
    fits = fits && a.inner[k] == 1;
    for (int d = 0; d < a.outer_rank; ++d) fits = fits && a.strides[k][d] % v == 0;
  }
  return fits;
}

}  // namespace detail

/// out = the expression Node over the leaves.
template <class Node, class T, int N, int V>
struct chain_forward_kernel {
  static constexpr const char* name = "chain_forward";
  static constexpr int threads = 256;
  using A = arithmetic_t<T>;
  device_span<const T> leaf[N > 0 ? N : 1];
  device_span<T> out;
  detail::leaf_layout<N> layout;
  A constants[expr::max_constants];

  chain_forward_kernel(const expr::chain_arguments<T, N>& a) : out{a.out, a.row_count * a.columns}, layout(a, V) {
    for (int k = 0; k < N; ++k) leaf[k] = {a.in[k] - layout.first[k], layout.size[k]};
    for (int k = 0; k < expr::max_constants; ++k) constants[k] = static_cast<A>(a.constants[k]);
  }
  std::int64_t blocks() const { return ceil_div(out.size / V, std::int64_t{threads}); }
  static constexpr std::int64_t shared_bytes() { return 0; }

  // x[v · N + k]: leaf k at element v of the packet.
  template <class Block>
  DCS_DEVICE void read_leaves(Block& b, std::int64_t i, A* x) const {
    std::int64_t row[N > 0 ? N : 1];
    const std::int64_t column = layout.template locate<V>(i, row);
    DCS_DEVICE_UNROLL
    for (int k = 0; k < N; ++k) {
      const auto in = b.global(leaf[k], "leaf");
      if (V > 1 && layout.inner[k] == 1) {
        const auto p = in.template read<V>(row[k] + column);
        DCS_DEVICE_UNROLL
        for (int v = 0; v < V; ++v) x[v * N + k] = p[v];
      } else if (layout.inner[k] == 0) {
        const A p = in.read(row[k]);
        DCS_DEVICE_UNROLL
        for (int v = 0; v < V; ++v) x[v * N + k] = p;
      } else {
        DCS_DEVICE_UNROLL
        for (int v = 0; v < V; ++v) x[v * N + k] = in.read(row[k] + (column + v) * layout.inner[k]);
      }
    }
  }
  template <class Block>
  DCS_DEVICE void operator()(Block& b) const {
    const std::int64_t i = b.index();
    if (i * V >= out.size) return;
    A x[V * (N > 0 ? N : 1)];
    read_leaves(b, i, x);
    packet<A, V> y;
    DCS_DEVICE_UNROLL
    for (int v = 0; v < V; ++v) y[v] = lane::chain<Node>::value(x + v * N, constants);
    b.global(out, "out").write(i * V, y);
  }
};

/// dx[k] = dy · ∂ expression / ∂ leaf k, for the leaves whose gradient is needed; the gradient of a leaf that repeats an earlier one is added to that
/// one's.
template <class Node, class T, int N, int V>
struct chain_backward_kernel {
  static constexpr const char* name = "chain_backward";
  static constexpr int threads = 256;
  using A = arithmetic_t<T>;
  chain_forward_kernel<Node, T, N, V> forward;  // for its leaves; `out` is not used
  device_span<const T> dy;
  device_span<T> dx[N > 0 ? N : 1];
  std::int8_t repeats[N > 0 ? N : 1];  // 1 + the earlier leaf that this one repeats; 0: none
  bool any_repeats;

  std::int64_t blocks() const { return forward.blocks(); }
  static constexpr std::int64_t shared_bytes() { return 0; }

  template <class Block>
  DCS_DEVICE void operator()(Block& b) const {
    const std::int64_t i = b.index();
    if (i * V >= dy.size) return;
    A x[V * (N > 0 ? N : 1)], d[V * (N > 0 ? N : 1)];
    forward.read_leaves(b, i, x);
    const auto g = b.global(dy, "dy").template read<V>(i * V);
    DCS_DEVICE_UNROLL
    for (int v = 0; v < V; ++v) {
      DCS_DEVICE_UNROLL
      for (int k = 0; k < N; ++k) d[v * N + k] = 0;
      lane::chain<Node>::spread(g[v], x + v * N, forward.constants, d + v * N);
    }
    if (N > 1 && any_repeats) {
      DCS_DEVICE_UNROLL
      for (int k = 1; k < N; ++k) {
        DCS_DEVICE_UNROLL
        for (int first = 0; first < k; ++first) {
          if (repeats[k] != first + 1) continue;
          DCS_DEVICE_UNROLL
          for (int v = 0; v < V; ++v) d[v * N + first] += d[v * N + k];
        }
      }
    }
    DCS_DEVICE_UNROLL
    for (int k = 0; k < N; ++k) {
      if (!dx[k]) continue;
      packet<A, V> p;
      DCS_DEVICE_UNROLL
      for (int v = 0; v < V; ++v) p[v] = d[v * N + k];
      b.global(dx[k], "gradient of a leaf").write(i * V, p);
    }
  }
};

template <class Node, class T, int N, gpu D>
void chain_forward(D, const expr::chain_arguments<T, N>& a) {
  if (detail::chain_takes_packets(a))
    launch(D{}, chain_forward_kernel<Node, T, N, packet_size<T>>(a));
  else
    launch(D{}, chain_forward_kernel<Node, T, N, 1>(a));
}

namespace detail {
template <class Node, int V, class T, int N, gpu D>
void launch_chain_backward(D, const expr::chain_arguments<T, N>& a, const T* dy, T* const* dx) {
  chain_backward_kernel<Node, T, N, V> kernel{a, {dy, a.row_count * a.columns}, {}, {}, a.any_repeats};
  for (int k = 0; k < N; ++k) kernel.dx[k] = {dx[k], a.row_count * a.columns}, kernel.repeats[k] = a.repeats[k];
  launch(D{}, kernel);
}
}  // namespace detail

template <class Node, class T, int N, gpu D>
void chain_backward(D, const expr::chain_arguments<T, N>& a, const T* dy, T* const* dx) {
  if (detail::chain_takes_packets(a))
    detail::launch_chain_backward<Node, packet_size<T>>(D{}, a, dy, dx);
  else
    detail::launch_chain_backward<Node, 1>(D{}, a, dy, dx);
}

}  // namespace dcs::cuda

#include <dcs/core/header_end.inl>
