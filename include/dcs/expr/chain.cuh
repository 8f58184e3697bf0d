// Pointwise expressions and sums as kernels of the block interface. A chain is one launch forward and one backward, whatever the expression: a thread
// has 16 bytes of the result. Sums are of two stages with a fixed tree: warps (or columns of a block) sum chunks, which are short so that the sums of
// a loss, of some ten thousand elements, fill a GPU too; then one warp a result adds the chunks. The order depends on the sizes alone.
#pragma once

#include <dcs/cuda/device.hpp>
#include <dcs/cuda/scalar.hpp>

namespace dcs::cuda {

namespace detail {

// Where an element of the result lies in each of N leaves.
template <int N>
struct leaf_layout {
  static constexpr int leaves = N > 0 ? N : 1;
  std::int64_t inner[leaves] = {}, strides[leaves][expr::max_rank] = {}, size[leaves] = {};
  divider outer[expr::max_rank];
  divider packets_in_row;
  int outer_rank = 0;

  template <class T>
  leaf_layout(const expr::chain_arguments<T, N>& a, int packet) : packets_in_row(a.columns / packet), outer_rank(a.outer_rank) {
    for (int d = 0; d < outer_rank; ++d) outer[d] = divider(a.outer[d]);
    for (int k = 0; k < N; ++k) {
      inner[k] = a.inner[k], size[k] = 1 + (a.columns - 1) * a.inner[k];
      for (int d = 0; d < outer_rank; ++d) strides[k][d] = a.strides[k][d], size[k] += (a.outer[d] - 1) * a.strides[k][d];
    }
  }
  /// Offsets of the row, and its column, of packet i.
  template <int V>
  DCS_DEVICE std::int64_t locate(std::int64_t i, std::int64_t* row) const {
    const std::int64_t column = packets_in_row.split(i) * V;
    DCS_DEVICE_UNROLL
    for (int k = 0; k < N; ++k) row[k] = 0;
    for (int d = outer_rank - 1; d >= 0; --d) {
      const std::int64_t at = outer[d].split(i);
      DCS_DEVICE_UNROLL
      for (int k = 0; k < N; ++k) row[k] += at * strides[k][d];
    }
    return column;
  }
};

// Packets need rows of whole packets, in the result and in every leaf that moves along the row.
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
    for (int k = 0; k < N; ++k) leaf[k] = {a.in[k], layout.size[k]};
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

/// dx[k] = dy · ∂ expression / ∂ leaf k, for the leaves where it is wanted; a leaf that repeats one before it is added to that one.
template <class Node, class T, int N, int V>
struct chain_backward_kernel {
  static constexpr const char* name = "chain_backward";
  static constexpr int threads = 256;
  using A = arithmetic_t<T>;
  chain_forward_kernel<Node, T, N, V> forward;  // its leaves; out is not touched
  device_span<const T> dy;
  device_span<T> dx[N > 0 ? N : 1];
  std::int8_t repeats[N > 0 ? N : 1];  // 1 + that leaf; 0: none
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

namespace detail {

// The axes of a sum: those that stay number the results, those that are summed number its terms.
struct sum_layout {
  divider kept[expr::max_rank], summed[expr::max_rank];
  std::int64_t kept_strides[expr::max_rank] = {}, summed_strides[expr::max_rank] = {}, out_strides[expr::max_rank] = {};
  int kept_rank = 0, summed_rank = 0;
  std::int64_t results = 1, terms = 1;  // without the columns of sum_columns

  DCS_DEVICE std::int64_t term(std::int64_t i) const {
    std::int64_t at = 0;
    for (int d = summed_rank - 1; d >= 0; --d) at += summed[d].split(i) * summed_strides[d];
    return at;
  }
  DCS_DEVICE std::int64_t first(std::int64_t result, std::int64_t* out) const {
    std::int64_t at = 0;
    *out = 0;
    for (int d = kept_rank - 1; d >= 0; --d) {
      const std::int64_t i = kept[d].split(result);
      at += i * kept_strides[d], *out += i * out_strides[d];
    }
    return at;
  }
};

// The sum of packets of V at `from` and the terms i = begin, begin + step, … below end. Where one axis is summed, as nearly always, a term is found
// by a product, and four reads are in flight: divisions between them would leave one.
template <int V, class Accessor>
DCS_DEVICE auto sum_of_terms(const Accessor& x, const sum_layout& layout, std::int64_t from, std::int64_t begin, std::int64_t end, int step) {
  packet<typename Accessor::arithmetic, V> sum;
  const auto add = [&](const auto& v) {
    DCS_DEVICE_UNROLL
    for (int k = 0; k < V; ++k) sum[k] += v[k];
  };
  std::int64_t i = begin;
  if (layout.summed_rank <= 1) {
    const std::int64_t stride = layout.summed_strides[0];
    DCS_DEVICE_UNROLL_BY(1)
    for (; i + 3 * step < end; i += 4 * step) {
      packet<typename Accessor::arithmetic, V> v[4];
      DCS_DEVICE_UNROLL
      for (int j = 0; j < 4; ++j) v[j] = x.template read<V>(from + (i + j * step) * stride);
      DCS_DEVICE_UNROLL
      for (int j = 0; j < 4; ++j) add(v[j]);
    }
  }
  DCS_DEVICE_UNROLL_BY(1)
  for (; i < end; i += step) add(x.template read<V>(from + layout.term(i)));
  return sum;
}

}  // namespace detail

/// partial[j, chunk] = factor · Σ over a chunk of the terms of result j, whose last axis is summed. A warp has a chunk.
template <class T, class P>
struct sum_rows_kernel {
  static constexpr const char* name = "sum_rows";
  static constexpr int threads = 256;
  static constexpr std::int64_t chunk = 512;
  device_span<const T> in;
  device_span<P> partial;
  detail::sum_layout layout;
  std::int64_t chunks;
  arithmetic_t<P> factor;

  std::int64_t blocks() const { return ceil_div(layout.results * chunks, std::int64_t{threads / warp_size}); }
  static constexpr std::int64_t shared_bytes() { return 0; }

  template <class Block>
  DCS_DEVICE void operator()(Block& b) const {
    const std::int64_t task = b.block() * b.warps() + b.warp();
    if (task >= layout.results * chunks) return;
    const std::int64_t result = task / chunks, begin = task % chunks * chunk;
    const std::int64_t end = begin + chunk < layout.terms ? begin + chunk : layout.terms;
    const auto x = b.global(in, "in");
    std::int64_t to;
    const std::int64_t from = layout.first(result, &to);
    const arithmetic_t<P> sum = warp_sum(b, detail::sum_of_terms<1>(x, layout, from, begin + b.lane(), end, warp_size)[0]);
    if (b.lane() == 0) b.global(partial, "partial").write(to * chunks + task % chunks, factor * sum);
  }
};

/// The same where the last axis, of `columns`, stays: a block has up to 32 packets of the columns side by side and a chunk of the terms, of which
/// each group of its threads adds every groups-th; the groups are merged in shared memory by halves.
template <class T, class P, int V>
struct sum_columns_kernel {
  static constexpr const char* name = "sum_columns";
  static constexpr int threads = 256, rows_of_thread = 16;
  using A = arithmetic_t<P>;
  device_span<const T> in;
  device_span<P> partial;
  detail::sum_layout layout;
  std::int64_t columns, chunks;
  A factor;
  int width = width_of(columns);

  static constexpr int width_of(std::int64_t columns) {
    int n = 1;
    while (n < warp_size && n * V < columns) n *= 2;
    return n;
  }
  /// Terms of a chunk.
  static constexpr std::int64_t chunk_of(std::int64_t columns) { return rows_of_thread * (threads / width_of(columns)); }
  std::int64_t tiles() const { return ceil_div(columns, std::int64_t{width} * V); }
  std::int64_t blocks() const { return layout.results * tiles() * chunks; }
  static constexpr std::int64_t shared_bytes() { return threads * V * static_cast<std::int64_t>(sizeof(A)); }

  template <class Block>
  DCS_DEVICE void operator()(Block& b) const {
    const int groups = threads / width, group = b.thread() / width;
    const std::int64_t tile_count = ceil_div(columns, std::int64_t{width} * V), chunk = rows_of_thread * groups;
    const std::int64_t part = b.block() % chunks, tile = b.block() / chunks % tile_count, result = b.block() / chunks / tile_count;
    const std::int64_t column = (tile * width + b.thread() % width) * V, begin = part * chunk;
    const std::int64_t end = begin + chunk < layout.terms ? begin + chunk : layout.terms;
    const auto x = b.global(in, "in");
    const auto sums = b.template shared<A>(threads * V, "sums of the groups");
    std::int64_t to;
    const std::int64_t from = layout.first(result, &to);
    packet<A, V> sum;
    if (column < columns) sum = detail::sum_of_terms<V>(x, layout, from + column, begin + group, end, groups);
    for (int half = groups / 2; half > 0; half /= 2) {
      if (group >= half && group < 2 * half) {
        DCS_DEVICE_UNROLL
        for (int k = 0; k < V; ++k) sums.write(k * threads + b.thread(), sum[k]);
      }
      b.barrier();
      if (group < half) {
        DCS_DEVICE_UNROLL
        for (int k = 0; k < V; ++k) sum[k] += sums.read(k * threads + b.thread() + half * width);
      }
    }
    if (group > 0 || column >= columns) return;
    const auto out = b.global(partial, "partial");
    DCS_DEVICE_UNROLL
    for (int k = 0; k < V; ++k) out.write((to + column + k) * chunks + part, factor * sum[k]);
  }
};

/// out[j] = factor · Σ_chunk partial[j, chunk]: a warp a result.
template <class T, class P>
struct sum_chunks_kernel {
  static constexpr const char* name = "sum_chunks";
  static constexpr int threads = 256;
  device_span<const P> partial;
  device_span<T> out;
  std::int64_t chunks;
  arithmetic_t<P> factor;

  std::int64_t blocks() const { return ceil_div(out.size, std::int64_t{threads / warp_size}); }
  static constexpr std::int64_t shared_bytes() { return 0; }

  template <class Block>
  DCS_DEVICE void operator()(Block& b) const {
    const std::int64_t j = b.block() * b.warps() + b.warp();
    if (j >= out.size) return;
    const auto x = b.global(partial, "partial");
    arithmetic_t<P> sum = 0;
    for (std::int64_t i = b.lane(); i < chunks; i += warp_size) sum += x.read(j * chunks + i);
    sum = warp_sum(b, sum);
    if (b.lane() == 0) b.global(out, "out").write(j, static_cast<arithmetic_t<T>>(factor * sum));
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

template <class T, gpu D>
void sum_to(D, T* out, std::int64_t out_count, const T* in, const std::int64_t* sizes, int rank, const std::int64_t* out_strides, double factor = 1) {
  using P = arithmetic_t<T>;
  std::int64_t strides[2][expr::max_rank] = {}, step = 1;
  for (int d = rank - 1; d >= 0; --d) strides[0][d] = step, strides[1][d] = out_strides[d], step *= sizes[d];
  if (out_count == 0) return;
  if (step == 0) return D::zero(out, out_count * static_cast<std::int64_t>(sizeof(T)));
  expr::chain_arguments<T, 2> a;
  a.lay_out(sizes, rank, strides);
  const bool columns_stay = a.inner[1] == 1 && a.columns > 1;
  detail::sum_layout layout;
  auto keep = [&](std::int64_t n, std::int64_t from, std::int64_t to) {
    const auto k = layout.kept_rank++;
    layout.kept[k] = divider(n), layout.kept_strides[k] = from, layout.out_strides[k] = to, layout.results *= n;
  };
  auto add = [&](std::int64_t n, std::int64_t from) {
    const auto k = layout.summed_rank++;
    layout.summed[k] = divider(n), layout.summed_strides[k] = from, layout.terms *= n;
  };
  for (int d = 0; d < a.outer_rank; ++d) {
    if (a.strides[1][d] != 0)
      keep(a.outer[d], a.strides[0][d], a.strides[1][d]);
    else
      add(a.outer[d], a.strides[0][d]);
  }
  if (!columns_stay && a.columns > 1) {
    if (a.inner[1] == 0)
      add(a.columns, a.inner[0]);
    else
      keep(a.columns, a.inner[0], a.inner[1]);
  }
  // first(to, factor): the launch of the first stage.
  const auto run = [&](std::int64_t chunks, const auto& first) {
    if (chunks == 1) return first(out, static_cast<P>(factor));
    const device_scratch<P, D> partial(out_count * chunks);
    first(partial.data(), P(1));
    launch(D{}, sum_chunks_kernel<T, P>{{partial.data(), out_count * chunks}, {out, out_count}, chunks, static_cast<P>(factor)});
  };
  if (columns_stay)
    return with_packets<T>(a.columns, [&](auto v) {
      const std::int64_t chunks = ceil_div(layout.terms, sum_columns_kernel<T, P, v>::chunk_of(a.columns));
      run(chunks, [&]<class To>(To* to, P by) {
        launch(D{}, sum_columns_kernel<T, To, v>{{in, step}, {to, out_count * chunks}, layout, a.columns, chunks, by});
      });
    });
  const std::int64_t chunks = ceil_div(layout.terms, sum_rows_kernel<T, P>::chunk);
  run(chunks, [&]<class To>(To* to, P by) { launch(D{}, sum_rows_kernel<T, To>{{in, step}, {to, out_count * chunks}, layout, chunks, by}); });
}

}  // namespace dcs::cuda
