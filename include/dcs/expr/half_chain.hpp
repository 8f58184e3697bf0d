// Pointwise expressions over numbers of 16 bits on the host: blocks of elements are widened into the cache, the kernel of float computes them, and
// its results are rounded. An expression has no other kernels for these types, and memory is read and written in 16 bits.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/cpu/half.hpp>
#include <dcs/expr/chain.hpp>

DCS_EXACT_MATH
namespace dcs::cpu {

namespace detail {

inline constexpr std::int64_t half_block = 1024;  // elements: what a kernel reads of them stays in L1

// The leaves of one block in float, each a dense row.
template <int N>
struct widened_block {
  static constexpr int leaves = N > 0 ? N : 1;
  alignas(64) float in[leaves][half_block];
  expr::chain_arguments<float, N> chain;

  // Rows [r0, r1) at columns [begin, end), at most half_block elements.
  template <half_number T>
  widened_block(const expr::chain_arguments<T, N>& a, std::int64_t r0, std::int64_t r1, std::int64_t begin, std::int64_t end) {
    const std::int64_t width = end - begin;
    for (std::int64_t r = r0; r < r1; ++r) {
      const T* row[leaves];
      a.rows(r, row);
      for (int k = 0; k < N; ++k) load(row[k], a.inner[k], begin, width, in[k] + (r - r0) * width);
    }
    for (int k = 0; k < N; ++k) chain.in[k] = in[k], chain.inner[k] = 1, chain.repeats[k] = a.repeats[k];
    chain.any_repeats = a.any_repeats;
    chain.columns = (r1 - r0) * width;
    std::copy(a.constants, a.constants + expr::max_constants, chain.constants);
  }

 private:
  template <half_number T>
  static void load(const T* row, std::int64_t step, std::int64_t begin, std::int64_t width, float* to) {
    if (step == 1)
      widen_numbers(row + begin, width, to);
    else if (step == 0)
      std::fill(to, to + width, static_cast<float>(row[0]));
    else
      for (std::int64_t j = 0; j < width; ++j) to[j] = row[(begin + j) * step];
  }
};

// body(r0, r1, begin, end) for blocks of at most half_block elements: whole rows, or parts of one.
template <class Body>
void over_half_blocks(std::int64_t row_count, std::int64_t columns, const Body& body) {
  const std::int64_t rows = std::max<std::int64_t>(1, half_block / std::max<std::int64_t>(columns, 1));
  over_rows(row_count, columns, [&](std::int64_t r0, std::int64_t r1, std::int64_t begin, std::int64_t end) {
    for (std::int64_t r = r0; r < r1; r += rows)
      for (std::int64_t j = begin; j < end; j += half_block) body(r, std::min(r1, r + rows), j, std::min(end, j + half_block));
  });
}

}  // namespace detail

/// a.out = the expression of form Node over the leaves a.in, computed in float and rounded.
template <class Node, half_number T, int N>
void chain_forward(device, const expr::chain_arguments<T, N>& a) {
  detail::over_half_blocks(a.row_count, a.columns, [&](std::int64_t r0, std::int64_t r1, std::int64_t begin, std::int64_t end) {
    detail::widened_block<N> block(a, r0, r1, begin, end);
    alignas(64) float out[detail::half_block];
    block.chain.out = out;
    chain_forward<Node>(device{}, block.chain);
    round_numbers(out, block.chain.columns, a.out + r0 * a.columns + begin);
  });
}

/// dx[k], dense and of the result's sizes, receives the gradient of leaf k and of those that repeat it; null where it is not needed.
template <class Node, half_number T, int N>
void chain_backward(device, const expr::chain_arguments<T, N>& a, const T* dy, T* const* dx) {
  detail::over_half_blocks(a.row_count, a.columns, [&](std::int64_t r0, std::int64_t r1, std::int64_t begin, std::int64_t end) {
    constexpr int leaves = detail::widened_block<N>::leaves;
    const detail::widened_block<N> block(a, r0, r1, begin, end);
    alignas(64) float gradient[detail::half_block], out[leaves][detail::half_block];
    const std::int64_t at = r0 * a.columns + begin, count = block.chain.columns;
    widen_numbers(dy + at, count, gradient);
    float* to[leaves] = {};
    for (int k = 0; k < N; ++k) to[k] = dx[k] ? out[k] : nullptr;
    chain_backward<Node>(device{}, block.chain, static_cast<const float*>(gradient), static_cast<float* const*>(to));
    for (int k = 0; k < N; ++k)
      if (dx[k]) round_numbers(out[k], count, dx[k] + at);
  });
}

}  // namespace dcs::cpu

#include <dcs/core/header_end.inl>
