// Copies that move elements to other places, as kernels of the block interface: rows with strides of source and destination, 16 bytes a thread where
// sizes and addresses allow; and arrays with permuted, reversed or repeated axes. Where a permutation moves the last axis, tiles are transposed in
// shared memory, so that both reads and writes are coalesced; otherwise a pointwise chain of one leaf makes the copy.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/expr/chain.cuh>

#include <numeric>

DCS_EXACT_MATH
namespace dcs::cuda {

/// Element j of row i: to[i · to_stride + j] = from[i · from_stride + j].
template <class T, int V>
struct copy_rows_kernel {
  static constexpr const char* name = "copy_rows";
  static constexpr int threads = 256;
  device_span<T> to;
  device_span<const T> from;
  std::int64_t to_stride, from_stride, rows;
  divider packets;

  std::int64_t blocks() const { return ceil_div(rows * packets.divisor(), std::int64_t{threads}); }
  static constexpr std::int64_t shared_bytes() { return 0; }

  template <class Block>
  DCS_DEVICE void operator()(Block& b) const {
    std::int64_t row = b.index();
    if (row >= rows * packets.divisor()) return;
    const std::int64_t column = packets.split(row) * V;
    b.global(to, "to").write(row * to_stride + column, b.global(from, "from").template read<V>(row * from_stride + column));
  }
};

/// A dense array from one in which another axis is the contiguous one: a block transposes a tile of 32 × 32 over that axis and the last.
template <class T>
struct turn_tiles_kernel {
  static constexpr const char* name = "turn_tiles";
  static constexpr int threads = 256, tile = 32;
  device_span<T> to;
  device_span<const T> from;
  std::int64_t rows, columns;           // sizes of the contiguous axis of `from`, and of the last axis of `to`
  std::int64_t to_stride, from_stride;  // from row to row of `to`, from column to column of `from`
  divider other[expr::max_rank];        // further axes
  std::int64_t other_to[expr::max_rank], other_from[expr::max_rank];
  int others;

  std::int64_t blocks() const {
    std::int64_t n = ceil_div(rows, std::int64_t{tile}) * ceil_div(columns, std::int64_t{tile});
    for (int d = 0; d < others; ++d) n *= other[d].divisor();
    return n;
  }
  static constexpr std::int64_t shared_bytes() { return tile * (tile + 1) * static_cast<std::int64_t>(sizeof(arithmetic_t<T>)); }

  template <class Block>
  DCS_DEVICE void operator()(Block& b) const {
    const std::int64_t across = (columns + tile - 1) / tile, down = (rows + tile - 1) / tile;
    const std::int64_t column0 = b.block() % across * tile, row0 = b.block() / across % down * tile;
    std::int64_t rest = b.block() / across / down, to0 = 0, from0 = 0;
    for (int d = others - 1; d >= 0; --d) {
      const std::int64_t i = other[d].split(rest);
      to0 += i * other_to[d], from0 += i * other_from[d];
    }
    const auto in = b.global(from, "from");
    const auto out = b.global(to, "to");
    const auto square = b.template shared<arithmetic_t<T>>(tile * (tile + 1), "tile");
    DCS_DEVICE_UNROLL
    for (int k = 0; k < tile; k += threads / tile) {
      const std::int64_t row = row0 + b.lane(), column = column0 + k + b.warp();
      if (row < rows && column < columns) square.write((k + b.warp()) * (tile + 1) + b.lane(), in.read(from0 + column * from_stride + row));
    }
    b.barrier();
    DCS_DEVICE_UNROLL
    for (int k = 0; k < tile; k += threads / tile) {
      const std::int64_t row = row0 + k + b.warp(), column = column0 + b.lane();
      if (row < rows && column < columns) out.write(to0 + row * to_stride + column, square.read(b.lane() * (tile + 1) + k + b.warp()));
    }
  }
};

template <class T, gpu D>
void copy_rows(D, T* to, std::int64_t to_stride, const T* from, std::int64_t from_stride, std::int64_t rows, std::int64_t width) {
  if (rows == 0 || width == 0) return;
  const auto elements = [](const T* p) { return static_cast<std::int64_t>(reinterpret_cast<std::uintptr_t>(p) / sizeof(T)); };
  const std::int64_t step = std::gcd(std::gcd(std::gcd(to_stride, from_stride), width), std::gcd(elements(to), elements(from)));
  with_packets<T>(step, [&](auto v) {
    launch(D{},
           copy_rows_kernel<T, v>{
               {to, (rows - 1) * to_stride + width}, {from, (rows - 1) * from_stride + width}, to_stride, from_stride, rows, divider(width / v)});
  });
}

template <class T, gpu D>
void copy_strided(D, T* to, const T* from, const std::int64_t* n, const std::int64_t* strides, int rank) {
  std::int64_t of_source[1][expr::max_rank] = {};
  std::copy(strides, strides + rank, of_source[0]);
  expr::chain_arguments<T, 1> a;
  a.in[0] = from, a.out = to;
  a.lay_out(n, rank, of_source);
  int neighbours = -1;
  for (int d = 0; d < a.outer_rank; ++d)
    if (a.strides[0][d] == 1) neighbours = d;
  if (a.inner[0] == 0 || a.inner[0] == 1 || neighbours < 0) return chain_forward<expr::leaf<0>>(D{}, a);
  const std::int64_t count = a.row_count * a.columns;
  turn_tiles_kernel<T> kernel{{to, count}, {from, count}, a.outer[neighbours], a.columns, 0, a.inner[0], {}, {}, {}, 0};
  std::int64_t step = a.columns;
  for (int d = a.outer_rank - 1; d >= 0; --d, step *= a.outer[d + 1]) {
    if (d == neighbours) {
      kernel.to_stride = step;
      continue;
    }
    const int k = kernel.others++;
    kernel.other[k] = divider(a.outer[d]), kernel.other_to[k] = step, kernel.other_from[k] = a.strides[0][d];
  }
  launch(D{}, kernel);
}

}  // namespace dcs::cuda

#include <dcs/core/header_end.inl>
