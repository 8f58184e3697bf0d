// Attention backward for the depths 32 and 64, by three kernels without atomics, so that the order of every sum is fixed: delta, the product of each
// row of o with its gradient; then one kernel whose blocks have 64 keys and loop over the queries, for the gradients of k and v, and one whose blocks
// have 64 queries and loop over the keys, for that of q. Both recompute the probabilities from logsum, which costs two products more than one kernel
// with atomics would. As no maximum is needed, scores are computed and used 16 columns at a time, which saves registers.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/ops/attention/tiles.cuh>

DCS_EXACT_MATH
namespace dcs::cuda {

/// delta = Σ_d o · dy of each row: Σ_j p · dp under the softmax, with dropout or without. A group of lanes has a row, V elements a lane at a time.
template <class T, int V>
struct attention_delta_kernel {
  static constexpr const char* name = "attention_delta";
  static constexpr int threads = 256;
  device_span<const T> o, dy;
  device_span<arithmetic_t<T>> delta;
  int depth, group = lanes(depth / V);

  static constexpr int lanes(int packets) {
    int n = 1;
    while (n < warp_size && n < packets) n *= 2;
    return n;
  }
  std::int64_t blocks() const { return ceil_div(delta.size, std::int64_t{threads / group}); }
  static constexpr std::int64_t shared_bytes() { return 0; }

  template <class Block>
  DCS_DEVICE void operator()(Block& b) const {
    const auto og = b.global(o, "o"), gradient = b.global(dy, "dy");
    const auto out = b.global(delta, "delta");
    const std::int64_t row = b.index() / group;
    arithmetic_t<T> sum = 0;
    if (row < delta.size)
      for (int c = b.thread() % group * V; c < depth; c += group * V) {
        const auto x = og.template read<V>(row * depth + c), y = gradient.template read<V>(row * depth + c);
        DCS_DEVICE_UNROLL
        for (int i = 0; i < V; ++i) sum += x[i] * y[i];
      }
    for (int m = group / 2; m > 0; m /= 2) sum += b.shuffle_xor(sum, m);
    if (row < delta.size && b.thread() % group == 0) out.write(row, sum);
  }
};

namespace detail {
// The rows of a stage: those that are read at once of the two matrices that a block loops over. Shared memory has a tile of the block's own rows and
// two stages for each of the two matrices. For floats of depth 64, stages of 64 rows would need 105 KiB, more than the 99 KiB of a block of compute
// capability 8.6 or 8.9, and would allow only one resident block on other GPUs.
template <class T>
inline constexpr int passing_rows = sizeof(T) == 2 ? attention_tile : attention_tile / 2;
// Where a block's own rows are in its tiles: those that are kept in registers are loaded through the second stage, others have their place after both
// stages.
inline constexpr int own_tile = attention_tile, tile_rows = 2 * attention_tile;
}  // namespace detail

/// dk and dv. A warp has 16 keys: scores are transposed, and logsum and delta of the queries are in shared memory.
template <class T, int D, mma_precision P = mma_precision::full>
struct attention_backward_keys_kernel {
  static constexpr const char* name = "attention_backward_keys";
  static constexpr int threads = detail::attention_threads;
  using A = arithmetic_t<T>;
  device_span<const T> q, k, v, dy;
  device_span<const A> logsum, delta;
  device_span<T> dk, dv;
  detail::attention_problem<A> problem;

  static constexpr int tile = detail::attention_tile, stride = detail::attention_stride<T, D>;
  static constexpr int passing = detail::passing_rows<T>, own_tile = detail::own_tile, tile_rows = detail::tile_rows;

  std::int64_t blocks() const { return problem.key_blocks(); }
  static constexpr std::int64_t shared_bytes() {
    return 2 * tile_rows * stride * static_cast<std::int64_t>(sizeof(T)) + 4 * passing * static_cast<std::int64_t>(sizeof(A));
  }

  template <class Block>
  DCS_DEVICE void operator()(Block& b) const {
    const auto qg = b.global(q, "q"), yg = b.global(dy, "dy");
    const auto lg = b.global(logsum, "logsum"), eg = b.global(delta, "delta");
    const auto qs = b.template shared<T>(tile_rows * stride, "tiles of q"), ys = b.template shared<T>(tile_rows * stride, "tiles of dy");
    const auto ls = b.template shared<A>(2 * passing, "logsums"), es = b.template shared<A>(2 * passing, "deltas");
    const auto p = problem.on(b);
    int j0;
    const std::int64_t head = p.split(b.block(), p.keys, tile, j0);
    const int warp_row = 16 * b.warp();
    const auto copy_queries = [&](int i0, int stage) {
      detail::copy_tile<T, D, passing>(b, qs, stage, stride, qg, head, i0, p.queries);
      detail::copy_tile<T, D, passing>(b, ys, stage, stride, yg, head, i0, p.queries);
      const int at = b.thread() % passing;
      if (b.thread() < passing)
        b.template copy_async<1>(ls, stage + at, lg, head * p.queries + i0 + at, i0 + at < p.queries);
      else if (b.thread() < 2 * passing)
        b.template copy_async<1>(es, stage + at, eg, head * p.queries + i0 + at, i0 + at < p.queries);
      b.commit_copies();
    };

    detail::copy_tile<T, D>(b, qs, own_tile, stride, b.global(k, "k"), head, j0, p.keys);
    detail::copy_tile<T, D>(b, ys, own_tile, stride, b.global(v, "v"), head, j0, p.keys);
    copy_queries(0, 0);
    b.template wait_copies<0>();
    b.barrier();
    const detail::own_rows<T, D, Block, decltype(qs)> own_k(b, qs, own_tile + warp_row, stride), own_v(b, ys, own_tile + warp_row, stride);

    detail::fragment_c<Block, T> dk_sum[D / 8], dv_sum[D / 8];
    std::uint32_t bits = 0;  // of dropout, for a tile at a time
    for (int i0 = 0, stage = 0; i0 < p.queries; i0 += passing, stage ^= passing) {
      b.template wait_copies<0>();
      b.barrier();
      if (i0 + passing < p.queries) copy_queries(i0 + passing, stage ^ passing);
      const int step0 = passing == tile ? 0 : i0 % tile / 16;
      if (p.least > 0 && step0 == 0) bits = detail::kept_of_columns(b, p, head, i0, j0 + warp_row);
      DCS_DEVICE_UNROLL_BY(detail::steps_at_once<T>)
      for (int n = 0; n < passing / 16; ++n) {
        detail::fragment_c<Block, T> s[2], ds[2];
        detail::add_scores<T, D, P>(b, s, own_k, qs, stage + 16 * n, stride);
        detail::add_scores<T, D, P>(b, ds, own_v, ys, stage + 16 * n, stride);
        detail::backward_of_columns<T>(b, p, s, ds, ls, es, stage + 16 * n, p.queries - i0 - 16 * n, bits, step0 + n);
        detail::add_product<T, D, P>(b, dv_sum, detail::as_left<T, Block>(s), ys, stage + 16 * n, stride);
        detail::add_product<T, D, P>(b, dk_sum, detail::as_left<T, Block>(ds), qs, stage + 16 * n, stride);
      }
    }

    b.barrier();
    const A of_k[2] = {p.scale, p.scale}, of_v[2] = {p.kept, p.kept};
    detail::store_rows<T, D, packet_size<T>>(b, dk_sum, of_k, qs, warp_row, stride, b.global(dk, "dk"), head, j0 + warp_row, p.keys, 0, D);
    detail::store_rows<T, D, packet_size<T>>(b, dv_sum, of_v, ys, warp_row, stride, b.global(dv, "dv"), head, j0 + warp_row, p.keys, 0, D);
  }
};

/// dq. A warp has 16 queries.
template <class T, int D, mma_precision P = mma_precision::full>
struct attention_backward_queries_kernel {
  static constexpr const char* name = "attention_backward_queries";
  static constexpr int threads = detail::attention_threads;
  using A = arithmetic_t<T>;
  device_span<const T> q, k, v, dy;
  device_span<const A> logsum, delta;
  device_span<T> dq;
  detail::attention_problem<A> problem;

  static constexpr int tile = detail::attention_tile, k_stride = detail::attention_stride<T, D>, v_stride = detail::attention_score_stride<T, D>;
  static constexpr int passing = detail::passing_rows<T>, own_tile = detail::own_tile, tile_rows = detail::tile_rows;

  std::int64_t blocks() const { return problem.query_blocks(tile); }
  static constexpr std::int64_t shared_bytes() { return tile_rows * (k_stride + v_stride) * static_cast<std::int64_t>(sizeof(T)); }

  template <class Block>
  DCS_DEVICE void operator()(Block& b) const {
    const auto kg = b.global(k, "k"), vg = b.global(v, "v");
    const auto ks = b.template shared<T>(tile_rows * k_stride, "tiles of k"), vs = b.template shared<T>(tile_rows * v_stride, "tiles of v");
    const auto p = problem.on(b);
    int i0;
    const std::int64_t head = p.split(b.block(), p.queries, tile, i0);
    const int warp_row = 16 * b.warp();
    const auto copy_keys = [&](int j0, int stage) {
      detail::copy_tile<T, D, passing>(b, ks, stage, k_stride, kg, head, j0, p.keys);
      detail::copy_tile<T, D, passing>(b, vs, stage, v_stride, vg, head, j0, p.keys);
      b.commit_copies();
    };

    detail::copy_tile<T, D>(b, ks, own_tile, k_stride, b.global(q, "q"), head, i0, p.queries);
    detail::copy_tile<T, D>(b, vs, own_tile, v_stride, b.global(dy, "dy"), head, i0, p.queries);
    copy_keys(0, 0);
    detail::query_rows<A> rows(b, b.global(logsum, "logsum"), b.global(delta, "delta"), head, i0 + warp_row, p.queries);
    b.template wait_copies<0>();
    b.barrier();
    const detail::own_rows<T, D, Block, decltype(ks)> own_q(b, ks, own_tile + warp_row, k_stride), own_dy(b, vs, own_tile + warp_row, v_stride);

    detail::fragment_c<Block, T> sum[D / 8];
    std::uint32_t bits = 0;  // of dropout, for a tile at a time
    for (int j0 = 0, stage = 0; j0 < p.keys; j0 += passing, stage ^= passing) {
      b.template wait_copies<0>();
      b.barrier();
      if (j0 + passing < p.keys) copy_keys(j0 + passing, stage ^ passing);
      const int step0 = passing == tile ? 0 : j0 % tile / 16;
      if (p.least > 0 && step0 == 0) bits = detail::kept_of_rows(b, p, head, i0 + warp_row, j0);
      DCS_DEVICE_UNROLL_BY(detail::steps_at_once<T>)
      for (int n = 0; n < passing / 16; ++n) {
        detail::fragment_c<Block, T> s[2], ds[2];
        detail::add_scores<T, D, P>(b, s, own_q, ks, stage + 16 * n, k_stride);
        detail::add_scores<T, D, P>(b, ds, own_dy, vs, stage + 16 * n, v_stride);
        detail::backward_of_rows<T>(b, p, s, ds, rows, p.keys - j0 + 16 * step0, bits, step0 + n);
        detail::add_product<T, D, P>(b, sum, detail::as_left<T, Block>(ds), ks, stage + 16 * n, k_stride);
      }
    }

    b.barrier();
    const A factor[2] = {p.scale, p.scale};
    detail::store_rows<T, D, packet_size<T>>(b, sum, factor, ks, warp_row, k_stride, b.global(dq, "dq"), head, i0 + warp_row, p.queries, 0, D);
  }
};

}  // namespace dcs::cuda

#include <dcs/core/header_end.inl>
