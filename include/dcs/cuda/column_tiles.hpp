// How kernels sum down the columns of [rows, channels], channels last. A block has up to 32 packets of channels side by side, so that its warps read
// whole lines, and a chunk of the rows, of which group g of its threads takes rows g, g + groups, ...; the groups are merged pairwise in shared
// memory, the chunks by a second kernel (column_sum). The order of all sums depends on the sizes alone.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/cuda/block.hpp>

DCS_EXACT_MATH
namespace dcs::cuda {

/// N values next to each other in accesses of at most 16 bytes; `i` a multiple of N, or of 16 bytes.
template <int N, class Accessor>
DCS_DEVICE auto read_values(const Accessor& from, std::int64_t i) {
  using A = typename Accessor::arithmetic;
  constexpr int most = packet_size<typename Accessor::value_type>, step = N < most ? N : most;
  packet<A, N> all;
  DCS_DEVICE_UNROLL
  for (int k = 0; k < N; k += step) {
    const auto p = from.template read<step>(i + k);
    DCS_DEVICE_UNROLL
    for (int j = 0; j < step; ++j) all[k + j] = p[j];
  }
  return all;
}
template <int N, class Accessor>
DCS_DEVICE void write_values(const Accessor& to, std::int64_t i, const packet<typename Accessor::arithmetic, N>& all) {
  constexpr int most = packet_size<typename Accessor::value_type>, step = N < most ? N : most;
  DCS_DEVICE_UNROLL
  for (int k = 0; k < N; k += step) {
    packet<typename Accessor::arithmetic, step> p;
    DCS_DEVICE_UNROLL
    for (int j = 0; j < step; ++j) p[j] = all[k + j];
    to.write(i + k, p);
  }
}

/// The tiles of rows × packets that blocks of 256 threads take.
struct column_tiles {
  static constexpr int threads = 256;

  column_tiles() = default;
  /// The rows consist of `parts` equal parts; a chunk never contains rows of two parts.
  column_tiles(std::int64_t row_count, std::int64_t packets_of_row, std::int64_t parts = 1) : rows(row_count / parts), packets(packets_of_row) {
    while (width < warp_size && width < packets) width *= 2;
    tiles = ceil_div(packets, std::int64_t{width});
    const std::int64_t most = tiles * parts < 512 ? 512 / (tiles * parts) : 1, all_groups = ceil_div(rows, std::int64_t{groups()});
    const std::int64_t rounds = ceil_div(all_groups, most);
    chunk = (rounds < 4 ? 4 : rounds) * groups();
    const std::int64_t of_part = ceil_div(rows, chunk);
    chunks = parts * of_part;
    if (of_part > 0) chunks_of_part = divider(of_part);
  }
  std::int64_t blocks() const { return tiles * chunks; }
  /// Two numbers of type A for each element of V.
  template <class A, int V>
  static constexpr std::int64_t shared_bytes() {
    return 2 * threads * V * static_cast<std::int64_t>(sizeof(A));
  }

  DCS_DEVICE int groups() const { return threads / width; }
  /// The part of [rows, channels] that a thread has: a chunk of the rows, of which its group takes every groups()-th, and a packet of V channels.
  struct place {
    std::int64_t chunk, packet_index, channels, channel;  // channels: of a row; channel: the packet's first
    int group;
  };
  template <int V, class Block>
  DCS_DEVICE place place_of(const Block& b) const {
    const std::int64_t index = b.block() % tiles * width + b.thread() % width;
    return {b.block() / tiles, index, packets * V, index * V, b.thread() / width};
  }
  DCS_DEVICE std::int64_t begin_of(std::int64_t k) const {
    const std::int64_t at = chunks_of_part.split(k);
    return k * rows + at * chunk;
  }
  DCS_DEVICE std::int64_t rows_of(std::int64_t k) const {
    const std::int64_t at = chunks_of_part.split(k);
    return at + 1 < chunks_of_part.divisor() ? chunk : rows - at * chunk;
  }

  /// Merges the results of a block's groups over a chunk of `count` rows; afterwards group 0 has the result. merge(a, b, other a, other b, rows
  /// merged, rows of the other). Every thread takes part.
  template <int V, class Block, class A, class Merge>
  DCS_DEVICE void merge_groups(Block& b, packet<A, V>& first, packet<A, V>& second, std::int64_t count, const Merge& merge) const {
    const auto store = b.template shared<A>(2 * threads * V, "sums of the groups");
    const int group = b.thread() / width;
    for (int half = groups() / 2; half > 0; half /= 2) {
      if (group >= half && group < 2 * half) {
        DCS_DEVICE_UNROLL
        for (int k = 0; k < V; ++k) store.write(k * threads + b.thread(), first[k]), store.write((V + k) * threads + b.thread(), second[k]);
      }
      b.barrier();
      if (group < half) {
        // The numbers of rows that are merged so far into this group's result and into the other's; the number of groups is a power of two.
        const std::int64_t own_rows = residues(count, group, 2 * half), other_rows = residues(count, group + half, 2 * half);
        const int other = b.thread() + half * width;
        DCS_DEVICE_UNROLL
        for (int k = 0; k < V; ++k)
          merge(first[k], second[k], store.read(k * threads + other), store.read((V + k) * threads + other), own_rows, other_rows);
      }
    }
  }

  /// Adds two sums over the groups of a block, and writes them to partial[chunk, 0, channel] and partial[chunk, 1, channel]. Every thread takes part.
  template <int V, class Block, class Partial, class A>
  DCS_DEVICE void write_sums(Block& b, const Partial& partial, const place& at, std::int64_t count, packet<A, V>& first, packet<A, V>& second) const {
    merge_groups<V>(b, first, second, count, [](A& f, A& s, A other_f, A other_s, std::int64_t, std::int64_t) { f += other_f, s += other_s; });
    if (at.group > 0 || at.packet_index >= packets) return;
    write_values<V>(partial, 2 * at.chunk * at.channels + at.channel, first);
    write_values<V>(partial, (2 * at.chunk + 1) * at.channels + at.channel, second);
  }
  std::int64_t rows = 0, packets = 0, tiles = 0, chunk = 0, chunks = 0;  // rows of a part
  divider chunks_of_part;
  int width = 1;

 private:
  DCS_DEVICE static std::int64_t residues(std::int64_t count, std::int64_t r, std::int64_t m) { return r < count ? (count - 1 - r) / m + 1 : 0; }
};

/// For blocks that have eight channels (a sector of memory), each with 32 threads among which the chunks are divided: the sum over these threads, in
/// every thread. `partial`: shared memory of 8 for each warp, free again after the call.
template <class Block, class Shared, class A>
DCS_DEVICE A column_sum(Block& b, Shared& partial, A v) {
  v += b.shuffle_xor(v, 8);
  v += b.shuffle_xor(v, 16);
  if (b.lane() < 8) partial.write(b.warp() * 8 + b.lane(), v);
  b.barrier();
  A sum = 0;
  for (int w = 0; w < b.warps(); ++w) sum += partial.read(w * 8 + b.lane() % 8);
  b.barrier();
  return sum;
}

/// The sums over all chunks of partial[chunk, 0, channel] and partial[chunk, 1, channel], in double, in every thread of such a block. `sums`: as
/// `partial` of column_sum.
template <class Block, class Shared, class Partial>
DCS_DEVICE void sum_chunks(Block& b, Shared& sums, const Partial& partial, std::int64_t chunks, std::int64_t channels, std::int64_t channel,
                           double& first, double& second) {
  first = second = 0;
  if (channel < channels)
    for (std::int64_t k = b.thread() / 8; k < chunks; k += b.threads() / 8) {
      first += static_cast<double>(partial.read(2 * k * channels + channel));
      second += static_cast<double>(partial.read((2 * k + 1) * channels + channel));
    }
  first = column_sum(b, sums, first);
  second = column_sum(b, sums, second);
}

}  // namespace dcs::cuda

#include <dcs/core/header_end.inl>
