// Attention forward (Dao 2024, FlashAttention-2) for the depths 32 and 64. A block owns 64·M queries of one head: M fragments of 16 rows to each of
// its four warps, so that with M = 2 each fragment of keys and values that is read serves two products. Tiles of 64 keys and values are copied while
// the tiles before them are used, with one barrier per tile. The softmax has a running maximum and sum, in powers of two, on scores that stay in
// registers.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/ops/attention/tiles.cuh>

DCS_EXACT_MATH
namespace dcs::cuda {

namespace detail {

// A thread's state for two rows, g and g + 8, while it loops over the keys: the largest score so far, and the sum of exp2(score − largest) over the
// columns that the thread has.
template <class A>
struct running_softmax {
  A largest[2] = {-std::numeric_limits<A>::infinity(), -std::numeric_limits<A>::infinity()}, sum[2] = {};
};

// Replaces the scores of a tile, of which `columns` are keys, by exp2(score − largest); rescales `o`, the result of the tiles before, where the
// maximum grew. While all scores of a row are −∞, nothing is subtracted, so that their powers are 0. A row that has no other score ends with a sum of
// 0, and its result is NaN.
template <class T, int D, class Block, class A>
DCS_DEVICE void softmax_of_tile(Block& b, fragment_c<Block, T>* s, running_softmax<A>& run, fragment_c<Block, T>* o, A scale_log2, int columns) {
  constexpr int fragments = attention_tile / 8;
  const int t = b.lane() % 4;
  DCS_DEVICE_UNROLL
  for (int n = 0; n < fragments; ++n) {
    DCS_DEVICE_UNROLL
    for (int x = 0; x < 4; ++x) s[n].x[x] *= scale_log2;
  }
  if (columns < attention_tile) {
    DCS_DEVICE_UNROLL
    for (int n = 0; n < fragments; ++n) {
      DCS_DEVICE_UNROLL
      for (int x = 0; x < 4; ++x)
        if (8 * n + 2 * t + x % 2 >= columns) s[n].x[x] = -std::numeric_limits<A>::infinity();
    }
  }
  DCS_DEVICE_UNROLL
  for (int r = 0; r < 2; ++r) {
    A top = run.largest[r];
    DCS_DEVICE_UNROLL
    for (int n = 0; n < fragments; ++n) {
      DCS_DEVICE_UNROLL
      for (int e = 0; e < 2; ++e) top = s[n].x[2 * r + e] > top ? s[n].x[2 * r + e] : top;
    }
    DCS_DEVICE_UNROLL
    for (int m = 1; m < 4; m *= 2) {
      const A other = b.shuffle_xor(top, m);
      top = other > top ? other : top;
    }
    const A shift = top == -std::numeric_limits<A>::infinity() ? A(0) : top, shrink = exp2(run.largest[r] - shift);
    run.largest[r] = top;
    A sum = 0;
    DCS_DEVICE_UNROLL
    for (int n = 0; n < fragments; ++n) {
      DCS_DEVICE_UNROLL
      for (int e = 0; e < 2; ++e) sum += s[n].x[2 * r + e] = exp2(s[n].x[2 * r + e] - shift);
    }
    run.sum[r] = run.sum[r] * shrink + sum;
    DCS_DEVICE_UNROLL
    for (int n = 0; n < D / 8; ++n) {
      DCS_DEVICE_UNROLL
      for (int e = 0; e < 2; ++e) o[n].x[2 * r + e] *= shrink;
    }
  }
}

// Sets dropped probabilities to 0; `bits`: the result of kept_of_rows.
template <class T, class Block>
DCS_DEVICE void drop_of_tile(Block& b, fragment_c<Block, T>* s, std::uint32_t bits) {
  DCS_DEVICE_UNROLL
  for (int k = 0; k < attention_tile / 16; ++k) {
    const std::uint32_t step = kept_of_step(b, bits, k);
    DCS_DEVICE_UNROLL
    for (int n = 0; n < 2; ++n) {
      DCS_DEVICE_UNROLL
      for (int x = 0; x < 4; ++x)
        if (!is_kept(step, n, x)) s[2 * k + n].x[x] = 0;
    }
  }
}

// The factors of the two rows of `o`; lane 0 of a quad writes log Σ exp(score) of its rows.
template <class Block, class A, class Global>
DCS_DEVICE void finish_softmax(Block& b, const running_softmax<A>& run, A kept, A* factor, const Global& logsum, std::int64_t head, int row0,
                               int rows, bool writes) {
  DCS_DEVICE_UNROLL
  for (int r = 0; r < 2; ++r) {
    A sum = run.sum[r];
    DCS_DEVICE_UNROLL
    for (int m = 1; m < 4; m *= 2) sum += b.shuffle_xor(sum, m);
    factor[r] = kept / sum;
    const int row = row0 + b.lane() / 4 + 8 * r;
    if (writes && b.lane() % 4 == 0 && row < rows)
      logsum.write(head * rows + row, run.largest[r] * static_cast<A>(std::numbers::ln2) + lane::log(sum));
  }
}

}  // namespace detail

/// o = dropout(softmax(q · kᵀ · scale)) · v, and log Σ exp of each row's scores.
template <class T, int D, int M, mma_precision P = mma_precision::full>
struct attention_forward_kernel {
  static constexpr const char* name = "attention_forward";
  static constexpr int threads = detail::attention_threads;
  using A = arithmetic_t<T>;
  device_span<const T> q, k, v;
  device_span<T> o;
  device_span<A> logsum;
  detail::attention_problem<A> problem;

  static constexpr int tile = detail::attention_tile, k_stride = detail::attention_score_stride<T, D>, v_stride = detail::attention_stride<T, D>;
  static_assert(M <= 2, "the queries pass through the second stage of keys and values");

  std::int64_t blocks() const { return problem.query_blocks(tile * M); }
  static constexpr std::int64_t shared_bytes() { return 2 * tile * (k_stride + v_stride) * static_cast<std::int64_t>(sizeof(T)); }

  template <class Block>
  DCS_DEVICE void operator()(Block& b) const {
    const auto kg = b.global(k, "k"), vg = b.global(v, "v");
    const auto ks = b.template shared<T>(2 * tile * k_stride, "tiles of k"), vs = b.template shared<T>(2 * tile * v_stride, "tiles of v");
    const auto p = problem.on(b);
    int i0;
    const std::int64_t head = p.split(b.block(), p.queries, tile * M, i0);
    const int warp_row = 16 * b.warp();

    detail::fragment_a<Block, T> rows[M][D / 16];
    {
      const auto qg = b.global(q, "q");
      detail::copy_tile<T, D>(b, ks, tile, k_stride, qg, head, i0, p.queries);
      if constexpr (M > 1) detail::copy_tile<T, D>(b, vs, tile, v_stride, qg, head, i0 + tile, p.queries);
    }
    detail::copy_tile<T, D>(b, ks, 0, k_stride, kg, head, 0, p.keys);
    detail::copy_tile<T, D>(b, vs, 0, v_stride, vg, head, 0, p.keys);
    b.commit_copies();
    b.template wait_copies<0>();
    b.barrier();
    DCS_DEVICE_UNROLL
    for (int d = 0; d < D / 16; ++d) {
      rows[0][d] = b.load_a(ks, tile + warp_row, 16 * d, k_stride);
      if constexpr (M > 1) rows[1][d] = b.load_a(vs, tile + warp_row, 16 * d, v_stride);
    }

    detail::running_softmax<A> run[M];
    detail::fragment_c<Block, T> sum[M][D / 8];
    for (int j0 = 0, stage = 0; j0 < p.keys; j0 += tile, stage ^= tile) {
      b.template wait_copies<0>();
      b.barrier();
      if (j0 + tile < p.keys) {
        detail::copy_tile<T, D>(b, ks, stage ^ tile, k_stride, kg, head, j0 + tile, p.keys);
        detail::copy_tile<T, D>(b, vs, stage ^ tile, v_stride, vg, head, j0 + tile, p.keys);
        b.commit_copies();
      }
      detail::fragment_c<Block, T> s[M][tile / 8];
      add_scores(b, rows, ks, stage, s);
      DCS_DEVICE_UNROLL
      for (int m = 0; m < M; ++m) {
        detail::softmax_of_tile<T, D>(b, s[m], run[m], sum[m], p.scale_log2, p.keys - j0);
        if (p.least > 0) detail::drop_of_tile<T>(b, s[m], detail::kept_of_rows(b, p, head, i0 + m * tile + warp_row, j0));
      }
      add_values(b, s, vs, stage, sum);
    }

    b.barrier();
    const auto og = b.global(o, "o");
    const auto lg = b.global(logsum, "logsum");
    DCS_DEVICE_UNROLL
    for (int m = 0; m < M; ++m) {
      const int row0 = i0 + m * tile + warp_row;
      A factor[2];
      detail::finish_softmax(b, run[m], p.kept, factor, lg, head, row0, p.queries, true);
      detail::store_rows<T, D, packet_size<T>>(b, sum[m], factor, vs, m * tile + warp_row, v_stride, og, head, row0, p.queries, 0, D);
    }
  }

 private:
  // s += q · kᵀ for a tile of keys.
  template <class Block, class Rows, class Tile, class Scores>
  DCS_DEVICE static void add_scores(Block& b, const Rows& rows, const Tile& ks, int stage, Scores& s) {
    DCS_DEVICE_UNROLL
    for (int d = 0; d < D / 16; ++d) {
      DCS_DEVICE_UNROLL
      for (int n = 0; n < tile / 8; ++n) {
        const auto column = b.load_b(ks, stage + 8 * n, 16 * d, k_stride);
        DCS_DEVICE_UNROLL
        for (int m = 0; m < M; ++m) b.template mma<P>(s[m][n], rows[m][d], column);
      }
    }
  }
  // sum += s · v for a tile of values.
  template <class Block, class Scores, class Tile, class Sum>
  DCS_DEVICE static void add_values(Block& b, const Scores& s, const Tile& vs, int stage, Sum& sum) {
    DCS_DEVICE_UNROLL
    for (int n = 0; n < tile / 16; ++n) {
      detail::fragment_a<Block, T> left[M];
      DCS_DEVICE_UNROLL
      for (int m = 0; m < M; ++m) left[m] = detail::as_left<T, Block>(s[m] + 2 * n);
      DCS_DEVICE_UNROLL
      for (int d = 0; d < D / 8; ++d) {
        const auto column = b.load_b_transposed(vs, stage + 16 * n, 8 * d, v_stride);
        DCS_DEVICE_UNROLL
        for (int m = 0; m < M; ++m) b.template mma<P>(sum[m][d], left[m], column);
      }
    }
  }
};

}  // namespace dcs::cuda

#include <dcs/core/header_end.inl>
