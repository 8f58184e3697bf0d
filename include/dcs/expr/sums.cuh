// Sums over axes as kernels of the block interface, in two stages: warps (or columns of a block) sum chunks, then one warp per result adds the
// chunks. Chunks are short, so that the sums of a loss, over some ten thousand elements, occupy a GPU too. The order of summation depends on the
// sizes alone.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/cuda/device.hpp>
#include <dcs/expr/scalar.hpp>

DCS_EXACT_MATH
namespace dcs::cuda {

namespace detail {

// The axes of a sum: those that stay enumerate the results, those that are summed enumerate the terms.
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

// The sum of the packets of V for the terms i = begin, begin + step, … below end, relative to `from`. Where one axis is summed, as nearly always, the
// address of a term is a product, so that four reads can be in flight; with divisions between the reads it would be one.
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

/// partial[j, chunk] = factor · Σ over a chunk of the terms of result j, whose last axis is summed. A warp sums a chunk.
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
/// group g of its threads adds terms g, g + groups, ...; the groups are merged pairwise in shared memory.
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

/// out[j] = factor · Σ_chunk partial[j, chunk]; a warp per result.
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
  // Launches the first stage by first(to, factor), and the second stage where there is more than one chunk.
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

#include <dcs/core/header_end.inl>
