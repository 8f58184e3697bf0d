// Running a pointwise expression: one kernel forward, one derived kernel backward, whatever the expression. Kernels depend on the expression's form
// (a type without shapes) and take strides at run time, so that maps of all sizes share them. Neighbouring axes that are contiguous, or repeated, in
// every leaf are merged first.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/shape.hpp>
#include <dcs/core/storage.hpp>
#include <dcs/cpu/parallel.hpp>
#include <dcs/expr/functions.hpp>

#include <algorithm>
#include <cmath>
#include <utility>

DCS_EXACT_MATH
namespace dcs::expr {

// The form of an expression.
template <class F, class... A>
struct call {};
template <int I>
struct leaf {};
template <int I>
struct constant {};

inline constexpr int max_constants = 4, max_rank = 8;

// The arguments of a kernel over N leaves: rows of `columns` elements, and the outer axes with their strides, from which follows where a row begins
// in each leaf.
template <class T, int N>
struct chain_arguments {
  T* out = nullptr;
  const T* in[N > 0 ? N : 1] = {};
  std::int64_t inner[N > 0 ? N : 1] = {};
  std::int64_t strides[N > 0 ? N : 1][max_rank] = {};
  std::int64_t outer[max_rank] = {};
  int outer_rank = 0;
  std::int64_t row_count = 1, columns = 1;
  double constants[max_constants] = {};
  // 1 + the index of the first leaf that is the same value, to whose gradient this one's is added; 0: there is none.
  std::int8_t repeats[N > 0 ? N : 1] = {};
  bool any_repeats = false;

  void rows(std::int64_t r, const T** row) const {
    for (int k = 0; k < N; ++k) row[k] = in[k];
    for (int d = outer_rank - 1; d >= 0; --d) {
      const std::int64_t i = r % outer[d];
      r /= outer[d];
      for (int k = 0; k < N; ++k) row[k] += i * strides[k][d];
    }
  }

  /// Merges the axes of `sizes` where every leaf allows it.
  void lay_out(const std::int64_t* sizes, int rank, const std::int64_t leaf_strides[][max_rank]) {
    std::int64_t n[max_rank] = {1}, s[N > 0 ? N : 1][max_rank] = {};
    int last = 0;
    for (int d = 0; d < rank; ++d) {
      if (sizes[d] == 1) continue;
      bool merge = n[last] != 1;
      for (int k = 0; k < N; ++k) merge = merge && s[k][last] == leaf_strides[k][d] * sizes[d];
      if (!merge && n[last] != 1) ++last;
      n[last] = merge ? n[last] * sizes[d] : sizes[d];
      for (int k = 0; k < N; ++k) s[k][last] = leaf_strides[k][d];
    }
    columns = n[last];
    outer_rank = last;
    row_count = 1;
    for (int d = 0; d < last; ++d) row_count *= outer[d] = n[d];
    for (int k = 0; k < N; ++k) {
      inner[k] = columns == 1 ? 1 : s[k][last];
      for (int d = 0; d < last; ++d) strides[k][d] = s[k][d];
    }
  }
};

}  // namespace dcs::expr

#include <dcs/cpu/math.hpp>

#define DCS_KERNELS <dcs/expr/functions.inl>
#define DCS_KERNELS_IN_EVERY_UNIT
#include <dcs/cpu/foreach_isa.inl>
#define DCS_KERNELS <dcs/expr/activations.inl>
#define DCS_KERNELS_IN_EVERY_UNIT
#include <dcs/cpu/foreach_isa.inl>
#define DCS_KERNELS <dcs/expr/tree.inl>
#define DCS_KERNELS_IN_EVERY_UNIT
#include <dcs/cpu/foreach_isa.inl>
#define DCS_KERNELS <dcs/expr/chain.inl>
#define DCS_KERNELS_IN_EVERY_UNIT
#include <dcs/cpu/foreach_isa.inl>

namespace dcs::cpu {

namespace detail {
inline constexpr std::int64_t chain_grain = 1 << 14;  // elements of a task

template <class Body>
void over_rows(std::int64_t row_count, std::int64_t columns, const Body& body) {
  if (row_count == 1)
    parallel_chunks(columns, chain_grain, [&](std::int64_t begin, std::int64_t end) { body(0, 1, begin, end); });
  else
    parallel_chunks(row_count, std::max<std::int64_t>(1, chain_grain / std::max<std::int64_t>(columns, 1)),
                    [&](std::int64_t begin, std::int64_t end) { body(begin, end, 0, columns); });
}
}  // namespace detail

/// a.out = the expression of form Node over the leaves a.in.
template <class Node, class T, int N>
void chain_forward(device, const expr::chain_arguments<T, N>& a) {
  detail::over_rows(a.row_count, a.columns, [&](std::int64_t r0, std::int64_t r1, std::int64_t begin, std::int64_t end) {
    DCS_DISPATCH_HERE(template chain_forward<Node>, a, r0, r1, begin, end);
  });
}

/// dx[k], dense and of the result's sizes, receives the gradient of leaf k and of those that repeat it; null where it is not needed.
template <class Node, class T, int N>
void chain_backward(device, const expr::chain_arguments<T, N>& a, const T* dy, T* const* dx) {
  detail::over_rows(a.row_count, a.columns, [&](std::int64_t r0, std::int64_t r1, std::int64_t begin, std::int64_t end) {
    DCS_DISPATCH_HERE(template chain_backward<Node>, a, dy, dx, r0, r1, begin, end);
  });
}

namespace detail {

inline constexpr std::int64_t most_partial_sums = 1 << 15, sum_tile = 256;

// sums[0, columns) += a row; where `summed`, sums[0] += the sum of the row.
template <class T>
void add_row(double* sums, const T* row, std::int64_t columns, bool summed, std::int64_t stride) {
  if (!summed) {
    for (std::int64_t j = 0; j < columns; ++j) sums[j * stride] += static_cast<double>(row[j]);
    return;
  }
  double lane[8] = {};
  std::int64_t j = 0;
  for (; j + 8 <= columns; j += 8)
    for (int i = 0; i < 8; ++i) lane[i] += static_cast<double>(row[j + i]);
  for (; j < columns; ++j) lane[0] += static_cast<double>(row[j]);
  *sums += ((lane[0] + lane[4]) + (lane[1] + lane[5])) + ((lane[2] + lane[6]) + (lane[3] + lane[7]));
}

// The rows that are summed into each result, in order. Outer axes that stay enumerate the results, those that are summed enumerate the terms.
template <class T>
struct row_walk {
  std::int64_t kept[expr::max_rank], summed[expr::max_rank], kept_rows[expr::max_rank], summed_rows[expr::max_rank], out_strides[expr::max_rank];
  int kept_rank = 0, summed_rank = 0;
  std::int64_t results = 1, terms = 1;

  explicit row_walk(const expr::chain_arguments<T, 2>& a) {
    std::int64_t rows = a.row_count;
    for (int d = 0; d < a.outer_rank; ++d) {
      rows /= a.outer[d];
      if (a.strides[1][d] != 0)
        kept[kept_rank] = a.outer[d], kept_rows[kept_rank] = rows, out_strides[kept_rank++] = a.strides[1][d], results *= a.outer[d];
      else
        summed[summed_rank] = a.outer[d], summed_rows[summed_rank++] = rows, terms *= a.outer[d];
    }
  }
  // The row of term 0 of a result; `at` becomes the offset of the result in `out`.
  std::int64_t first(std::int64_t result, std::int64_t& at) const {
    std::int64_t row = 0;
    at = 0;
    for (int d = kept_rank - 1; d >= 0; --d) {
      const std::int64_t i = result % kept[d];
      result /= kept[d], row += i * kept_rows[d], at += i * out_strides[d];
    }
    return row;
  }
  // The distance in rows of term `i` from term 0.
  std::int64_t term(std::int64_t i) const {
    std::int64_t row = 0;
    for (int d = summed_rank - 1; d >= 0; --d) row += i % summed[d] * summed_rows[d], i /= summed[d];
    return row;
  }
};

// Sums where each task computes whole results: one where rows are summed, else some columns of one. The chunks of rows are those of sum_to, where
// each chunk is a task, so that both ways give the same bits.
template <class T>
void sum_by_results(const expr::chain_arguments<T, 2>& a, T* out, std::int64_t chunks, double factor) {
  const row_walk<T> walk(a);
  const bool summed = a.inner[1] == 0 && a.columns > 1;
  const std::int64_t tiles = summed ? 1 : (a.columns + sum_tile - 1) / sum_tile,
                     cost = std::max<std::int64_t>(1, a.row_count * a.columns / (walk.results * tiles));
  parallel_chunks(walk.results * tiles, std::max<std::int64_t>(1, chain_grain / cost), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t task = begin; task < end; ++task) {
      std::int64_t at;
      const std::int64_t row0 = walk.first(task / tiles, at), column = task % tiles * sum_tile;
      const std::int64_t columns = summed ? a.columns : std::min(sum_tile, a.columns - column), width = summed ? 1 : columns;
      double total[sum_tile], part[sum_tile];
      std::fill(total, total + width, 0.0);
      std::fill(part, part + width, 0.0);
      std::int64_t chunk = 0;
      for (std::int64_t i = 0; i < walk.terms; ++i) {
        const std::int64_t row = row0 + walk.term(i);
        if (row >= a.row_count * (chunk + 1) / chunks) {
          while (row >= a.row_count * (chunk + 1) / chunks) ++chunk;
          for (std::int64_t j = 0; j < width; ++j) total[j] += std::exchange(part[j], 0.0);
        }
        add_row(part, a.in[0] + row * a.columns + column, columns, summed, 1);
      }
      T* to = out + at + column * a.inner[1];
      for (std::int64_t j = 0; j < width; ++j) to[j * a.inner[1]] = static_cast<T>((total[j] + part[j]) * factor);
    }
  });
}

}  // namespace detail

/// The inverse of broadcasting: out[j] = factor · Σ in[i] over the elements i that j was repeated to; strides of `out` are 0 along summed axes. The
/// order of summation is fixed by the sizes alone: chunks of rows, each in double, added in order. Where there are few results, each chunk is a task
/// with partial sums of its own; where there are many, tasks are results, as partial sums would need a multiple of their memory.
template <class T>
void sum_to(device, T* out, std::int64_t out_count, const T* in, const std::int64_t* sizes, int rank, const std::int64_t* out_strides,
            double factor = 1) {
  std::int64_t leaf_strides[2][expr::max_rank] = {}, step = 1;
  for (int d = rank - 1; d >= 0; --d) {
    leaf_strides[0][d] = step;
    leaf_strides[1][d] = out_strides[d];
    step *= sizes[d];
  }
  if (step == 0) return std::fill(out, out + out_count, T{});
  expr::chain_arguments<T, 2> a;
  a.in[0] = in, a.in[1] = out;
  a.lay_out(sizes, rank, leaf_strides);
  const std::int64_t chunks = std::max<std::int64_t>(1, std::min<std::int64_t>({step >> 15, 32, a.row_count}));
  if (chunks * out_count > detail::most_partial_sums) return detail::sum_by_results(a, out, chunks, factor);
  scratch<double> partial(chunks * out_count);
  parallel_for(chunks, [&](std::int64_t chunk) {
    double* sums = partial.data() + chunk * out_count;
    std::fill(sums, sums + out_count, 0.0);
    for (std::int64_t r = a.row_count * chunk / chunks; r < a.row_count * (chunk + 1) / chunks; ++r) {
      const T* row[2];
      a.rows(r, row);
      detail::add_row(sums + (row[1] - out), row[0], a.columns, a.inner[1] == 0 && a.columns > 1, a.inner[1]);
    }
  });
  for (std::int64_t j = 0; j < out_count; ++j) {
    double sum = 0;
    for (std::int64_t chunk = 0; chunk < chunks; ++chunk) sum += partial[chunk * out_count + j];
    out[j] = static_cast<T>(sum * factor);
  }
}

// The entry points that dcs::compiled contains (core/compiled.hpp).
#define DCS_CHAIN_ENTRIES(declare, T) declare void sum_to(device, T*, std::int64_t, const T*, const std::int64_t*, int, const std::int64_t*, double);
DCS_MAP_ENTRIES(DCS_CHAIN_ENTRIES)

}  // namespace dcs::cpu

#include <dcs/core/header_end.inl>
