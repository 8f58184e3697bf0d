// Common parts of the kernels of batch norm: the rows that are valid under a mask, and the division of a pass over all rows among threads.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/cuda/column_tiles.hpp>
#include <dcs/cuda/device.hpp>
#include <dcs/ops/batch_norm/row_mask.hpp>

DCS_EXACT_MATH
namespace dcs::cuda {

namespace detail {

/// The valid rows: those whose part has a number other than 0 in the mask, or all rows where there is no mask. A chunk lies within one part.
template <class A>
struct valid_rows {
  device_span<const A> mask;
  divider part;

  valid_rows(const dcs::detail::row_mask& m, std::int64_t rows) : mask{m.data<A>(), m.parts}, part(rows / parts()) {}
  std::int64_t parts() const { return mask ? mask.size : 1; }

  template <class Block>
  DCS_DEVICE bool has(Block& b, std::int64_t row) const {
    return !mask || b.global(mask, "mask").read(part.quotient(row)) != 0;
  }
  /// The number of valid rows of chunk k.
  template <class Block>
  DCS_DEVICE std::int64_t of_chunk(Block& b, const column_tiles& tile, std::int64_t k) const {
    return has(b, tile.begin_of(k)) ? tile.rows_of(k) : 0;
  }
  /// The number of all valid rows, summed over the threads of column_sum, of which each adds up chunks first, first + step, …
  template <class Block, class Shared>
  DCS_DEVICE double count(Block& b, Shared& sums, const column_tiles& tile, std::int64_t rows, int first, int step) const {
    if (!mask) return static_cast<double>(rows);
    double n = 0;
    for (std::int64_t k = first; k < tile.chunks; k += step) n += static_cast<double>(of_chunk(b, tile, k));
    return column_sum(b, sums, n);
  }
};

/// A pass over [rows, channels] in which a thread has one packet of four rows, a quarter of all rows apart.
struct norm_pass {
  static constexpr int rows_of_thread = 4;
  std::int64_t rows, packets, stride;
  divider columns;

  norm_pass(std::int64_t row_count, std::int64_t packets_of_row)
      : rows(row_count), packets(packets_of_row), stride(ceil_div(rows, std::int64_t{rows_of_thread})), columns(packets_of_row) {}
  std::int64_t blocks(int threads) const { return ceil_div(stride * packets, std::int64_t{threads}); }
};

}  // namespace detail

}  // namespace dcs::cuda

#include <dcs/core/header_end.inl>
