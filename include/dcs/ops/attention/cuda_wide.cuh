// Attention for any depth, forward and backward. The depth is processed in chunks of 64 columns, padded with zeros: scores are summed over all
// chunks, and a block computes one chunk of the result, so that registers and shared memory do not depend on the depth. In return, depths above 64
// compute the scores once for each chunk. Rows may have any alignment: V elements are read at once.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/ops/attention/cuda_forward.cuh>

DCS_EXACT_MATH
namespace dcs::cuda {

namespace detail {

inline constexpr int attention_chunk = 64;
template <class T>
inline constexpr int attention_wide_stride = attention_stride<T, attention_chunk>;

// Copies rows row0, ... of a head, columns column0, ..., to a tile.
template <class T, int V, class Block, class Shared, class Global>
DCS_DEVICE void load_chunk(Block& b, const Shared& to, const Global& from, std::int64_t head, int row0, int rows, int column0, int depth) {
  constexpr int across = attention_chunk / V, count = attention_tile * across / attention_threads;
  DCS_DEVICE_UNROLL_BY(4)
  for (int i = 0; i < count; ++i) {
    const int at = b.thread() + i * attention_threads, row = at / across, column = at % across * V;
    packet<arithmetic_t<T>, V> x;
    if (row0 + row < rows && column0 + column < depth) x = from.template read<V>((head * rows + row0 + row) * depth + column0 + column);
    to.write(row * attention_wide_stride<T> + column, x);
  }
}

// s (16 rows × 64) += a warp's rows of `own` · tileᵀ, of the first `columns` columns.
template <class T, mma_precision P, class Block, class Shared>
DCS_DEVICE void add_chunk_scores(Block& b, fragment_c<Block, T>* s, const Shared& own, const Shared& tile, int columns) {
  constexpr int stride = attention_wide_stride<T>;
  for (int d = 0; d < attention_chunk && d < columns; d += 16) {
    const auto a = b.load_a(own, 16 * b.warp(), d, stride);
    DCS_DEVICE_UNROLL
    for (int n = 0; n < attention_tile / 8; ++n) b.template mma<P>(s[n], a, b.load_b(tile, 8 * n, d, stride));
  }
}

// A tile of rows of a head in shared memory, and where the rows stand.
template <class Shared, class Global>
struct chunked_rows {
  Shared tile;
  Global rows;
  int first, count;  // the tile's first row, and how many rows the head has
};
template <class Shared, class Global>
chunked_rows(Shared, Global, int, int) -> chunked_rows<Shared, Global>;

// s += a warp's rows of `own` · the rows of `passing`ᵀ, over the columns d0, ... of a chunk. Every thread takes part, and the tiles are free before.
template <class T, int V, mma_precision P, class Block, class Own, class Passing>
DCS_DEVICE void add_scores(Block& b, fragment_c<Block, T>* s, const Own& own, const Passing& passing, std::int64_t head, int d0, int depth) {
  b.barrier();
  load_chunk<T, V>(b, own.tile, own.rows, head, own.first, own.count, d0, depth);
  load_chunk<T, V>(b, passing.tile, passing.rows, head, passing.first, passing.count, d0, depth);
  b.barrier();
  add_chunk_scores<T, P>(b, s, own.tile, passing.tile, depth - d0);
}

}  // namespace detail

/// o = dropout(softmax(q · kᵀ · scale)) · v, and log Σ exp of each row's scores.
template <class T, int V, mma_precision P = mma_precision::full>
struct attention_forward_wide_kernel {
  static constexpr const char* name = "attention_forward_wide";
  static constexpr int threads = detail::attention_threads;
  using A = arithmetic_t<T>;
  device_span<const T> q, k, v;
  device_span<T> o;
  device_span<A> logsum;
  detail::attention_problem<A> problem;

  static constexpr int tile = detail::attention_tile, chunk = detail::attention_chunk, stride = detail::attention_wide_stride<T>;

  std::int64_t blocks() const { return problem.query_blocks(tile) * ceil_div(problem.depth, chunk); }
  static constexpr std::int64_t shared_bytes() { return 2 * tile * stride * static_cast<std::int64_t>(sizeof(T)); }

  template <class Block>
  DCS_DEVICE void operator()(Block& b) const {
    const auto qg = b.global(q, "q"), kg = b.global(k, "k"), vg = b.global(v, "v");
    const auto own = b.template shared<T>(tile * stride, "tile of q"), passing = b.template shared<T>(tile * stride, "tile of k or v");
    const auto p = problem.on(b);
    const int chunks = ceil_div(p.depth, chunk), c0 = static_cast<int>(b.block() % chunks) * chunk;
    int i0;
    const std::int64_t head = p.split(b.block() / chunks, p.queries, tile, i0);
    const int warp_row = 16 * b.warp();

    detail::running_softmax<A> run;
    detail::fragment_c<Block, T> sum[chunk / 8];
    for (int j0 = 0; j0 < p.keys; j0 += tile) {
      detail::fragment_c<Block, T> s[tile / 8];
      for (int d0 = 0; d0 < p.depth; d0 += chunk)
        detail::add_scores<T, V, P>(b, s, detail::chunked_rows{own, qg, i0, p.queries}, detail::chunked_rows{passing, kg, j0, p.keys}, head, d0,
                                    p.depth);
      b.barrier();
      detail::load_chunk<T, V>(b, passing, vg, head, j0, p.keys, c0, p.depth);
      detail::softmax_of_tile<T, chunk>(b, s, run, sum, p.scale_log2, p.keys - j0);
      if (p.least > 0) detail::drop_of_tile<T>(b, s, detail::kept_of_rows(b, p, head, i0 + warp_row, j0));
      b.barrier();
      DCS_DEVICE_UNROLL
      for (int n = 0; n < tile / 16; ++n)
        detail::add_product<T, chunk, P>(b, sum, detail::as_left<T, Block>(s + 2 * n), passing, 16 * n, stride, p.depth - c0);
    }

    A factor[2];
    detail::finish_softmax(b, run, p.kept, factor, b.global(logsum, "logsum"), head, i0 + warp_row, p.queries, c0 == 0);
    detail::store_rows<T, chunk, V>(b, sum, factor, own, warp_row, stride, b.global(o, "o"), head, i0 + warp_row, p.queries, c0, p.depth);
  }
};

/// dk and dv.
template <class T, int V, mma_precision P = mma_precision::full>
struct attention_backward_keys_wide_kernel {
  static constexpr const char* name = "attention_backward_keys_wide";
  static constexpr int threads = detail::attention_threads, resident = 2;  // three would cause spills
  using A = arithmetic_t<T>;
  device_span<const T> q, k, v, dy;
  device_span<const A> logsum, delta;
  device_span<T> dk, dv;
  detail::attention_problem<A> problem;

  static constexpr int tile = detail::attention_tile, chunk = detail::attention_chunk, stride = detail::attention_wide_stride<T>;

  std::int64_t blocks() const { return problem.key_blocks() * ceil_div(problem.depth, chunk); }
  static constexpr std::int64_t shared_bytes() {
    return 2 * tile * (stride * static_cast<std::int64_t>(sizeof(T)) + static_cast<std::int64_t>(sizeof(A)));
  }

  template <class Block>
  DCS_DEVICE void operator()(Block& b) const {
    const auto qg = b.global(q, "q"), kg = b.global(k, "k"), vg = b.global(v, "v"), yg = b.global(dy, "dy");
    const auto lg = b.global(logsum, "logsum"), eg = b.global(delta, "delta");
    const auto own = b.template shared<T>(tile * stride, "tile of k or v"), passing = b.template shared<T>(tile * stride, "tile of q or dy");
    const auto ls = b.template shared<A>(tile, "logsums"), es = b.template shared<A>(tile, "deltas");
    const auto p = problem.on(b);
    const int chunks = ceil_div(p.depth, chunk), c0 = static_cast<int>(b.block() % chunks) * chunk;
    int j0;
    const std::int64_t head = p.split(b.block() / chunks, p.keys, tile, j0);
    const int warp_row = 16 * b.warp();

    detail::fragment_c<Block, T> dk_sum[chunk / 8], dv_sum[chunk / 8];
    for (int i0 = 0; i0 < p.queries; i0 += tile) {
      detail::fragment_c<Block, T> s[tile / 8], ds[tile / 8];
      for (int d0 = 0; d0 < p.depth; d0 += chunk) {
        detail::add_scores<T, V, P>(b, s, detail::chunked_rows{own, kg, j0, p.keys}, detail::chunked_rows{passing, qg, i0, p.queries}, head, d0,
                                    p.depth);
        detail::add_scores<T, V, P>(b, ds, detail::chunked_rows{own, vg, j0, p.keys}, detail::chunked_rows{passing, yg, i0, p.queries}, head, d0,
                                    p.depth);
      }
      b.barrier();
      detail::load_chunk<T, V>(b, own, yg, head, i0, p.queries, c0, p.depth);
      detail::load_chunk<T, V>(b, passing, qg, head, i0, p.queries, c0, p.depth);
      if (b.thread() < tile) {
        const int at = b.thread(), i = i0 + at;
        ls.write(at, i < p.queries ? lg.read(head * p.queries + i) : A(0));
        es.write(at, i < p.queries ? eg.read(head * p.queries + i) : A(0));
      }
      b.barrier();
      const std::uint32_t bits = p.least > 0 ? detail::kept_of_columns(b, p, head, i0, j0 + warp_row) : 0;
      DCS_DEVICE_UNROLL
      for (int n = 0; n < tile / 16; ++n) {
        detail::backward_of_columns<T>(b, p, s + 2 * n, ds + 2 * n, ls, es, 16 * n, p.queries - i0 - 16 * n, bits, n);
        detail::add_product<T, chunk, P>(b, dv_sum, detail::as_left<T, Block>(s + 2 * n), own, 16 * n, stride, p.depth - c0);
        detail::add_product<T, chunk, P>(b, dk_sum, detail::as_left<T, Block>(ds + 2 * n), passing, 16 * n, stride, p.depth - c0);
      }
    }

    b.barrier();
    const A of_k[2] = {p.scale, p.scale}, of_v[2] = {p.kept, p.kept};
    detail::store_rows<T, chunk, V>(b, dk_sum, of_k, passing, warp_row, stride, b.global(dk, "dk"), head, j0 + warp_row, p.keys, c0, p.depth);
    detail::store_rows<T, chunk, V>(b, dv_sum, of_v, own, warp_row, stride, b.global(dv, "dv"), head, j0 + warp_row, p.keys, c0, p.depth);
  }
};

/// dq.
template <class T, int V, mma_precision P = mma_precision::full>
struct attention_backward_queries_wide_kernel {
  static constexpr const char* name = "attention_backward_queries_wide";
  static constexpr int threads = detail::attention_threads;
  using A = arithmetic_t<T>;
  device_span<const T> q, k, v, dy;
  device_span<const A> logsum, delta;
  device_span<T> dq;
  detail::attention_problem<A> problem;

  static constexpr int tile = detail::attention_tile, chunk = detail::attention_chunk, stride = detail::attention_wide_stride<T>;

  std::int64_t blocks() const { return problem.query_blocks(tile) * ceil_div(problem.depth, chunk); }
  static constexpr std::int64_t shared_bytes() { return 2 * tile * stride * static_cast<std::int64_t>(sizeof(T)); }

  template <class Block>
  DCS_DEVICE void operator()(Block& b) const {
    const auto qg = b.global(q, "q"), kg = b.global(k, "k"), vg = b.global(v, "v"), yg = b.global(dy, "dy");
    const auto own = b.template shared<T>(tile * stride, "tile of q or dy"), passing = b.template shared<T>(tile * stride, "tile of k or v");
    const auto& p = problem;
    const int chunks = ceil_div(p.depth, chunk), c0 = static_cast<int>(b.block() % chunks) * chunk;
    int i0;
    const std::int64_t head = p.split(b.block() / chunks, p.queries, tile, i0);
    const int warp_row = 16 * b.warp();
    const detail::query_rows<A> rows(b, b.global(logsum, "logsum"), b.global(delta, "delta"), head, i0 + warp_row, p.queries);

    detail::fragment_c<Block, T> sum[chunk / 8];
    for (int j0 = 0; j0 < p.keys; j0 += tile) {
      detail::fragment_c<Block, T> s[tile / 8], ds[tile / 8];
      for (int d0 = 0; d0 < p.depth; d0 += chunk) {
        detail::add_scores<T, V, P>(b, s, detail::chunked_rows{own, qg, i0, p.queries}, detail::chunked_rows{passing, kg, j0, p.keys}, head, d0,
                                    p.depth);
        detail::add_scores<T, V, P>(b, ds, detail::chunked_rows{own, yg, i0, p.queries}, detail::chunked_rows{passing, vg, j0, p.keys}, head, d0,
                                    p.depth);
      }
      b.barrier();
      detail::load_chunk<T, V>(b, passing, kg, head, j0, p.keys, c0, p.depth);
      b.barrier();
      // The shift of the random numbers is read again for each tile: kept in registers, it would cause spills.
      const std::uint32_t bits = p.least > 0 ? detail::kept_of_rows(b, p.on(b), head, i0 + warp_row, j0) : 0;
      DCS_DEVICE_UNROLL
      for (int n = 0; n < tile / 16; ++n) {
        detail::backward_of_rows<T>(b, p, s + 2 * n, ds + 2 * n, rows, p.keys - j0, bits, n);
        detail::add_product<T, chunk, P>(b, sum, detail::as_left<T, Block>(ds + 2 * n), passing, 16 * n, stride, p.depth - c0);
      }
    }

    const A factor[2] = {p.scale, p.scale};
    detail::store_rows<T, chunk, V>(b, sum, factor, own, warp_row, stride, b.global(dq, "dq"), head, i0 + warp_row, p.queries, c0, p.depth);
  }
};

}  // namespace dcs::cuda

#include <dcs/core/header_end.inl>
