// The common parts of the attention kernels. A block of four warps has 64 rows of one head (of queries or of keys), each warp 16 of them as fragments
// in registers, and loops over the rows of the other matrix in tiles of 64 rows, which it copies to shared memory. Scores stay in registers: the
// layout of a fragment of sums is that of a left operand, so that it is used in the next product as it is. Rows beyond the end are zeros in shared
// memory.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/cuda/device.hpp>
#include <dcs/expr/scalar.hpp>
#include <dcs/ops/attention/geometry.hpp>

#include <limits>
#include <numbers>

DCS_EXACT_MATH
namespace dcs::cuda::detail {

inline constexpr int attention_tile = 64, attention_threads = 128;

// The distance of a tile's rows, in elements. With one packet more than the depth, the rows that load_b_transposed or an ldmatrix reads together are
// in different banks; tiles of wider elements that only load_b reads need two packets more.
template <class T, int D>
inline constexpr int attention_stride = D + packet_size<T>;
template <class T, int D>
inline constexpr int attention_score_stride = D + 8;

// The number of steps of 16 columns that are unrolled together; for products of split floats one, as more would not fit the registers.
template <class T>
inline constexpr int steps_at_once = sizeof(T) == 2 ? 4 : 1;

// The parameters of a launch: extents, factors, dropout.
template <class A>
struct attention_problem {
  explicit attention_problem(const attention_geometry& g)
      : heads(g.heads),
        queries(static_cast<int>(g.queries)),
        keys(static_cast<int>(g.keys)),
        depth(static_cast<int>(g.depth)),
        scale(static_cast<A>(g.scale)),
        scale_log2(static_cast<A>(g.scale * std::numbers::log2e)),
        kept(static_cast<A>(1 / (1 - g.dropout))),
        random(g.random),
        least(static_cast<std::uint32_t>(std::ceil(static_cast<float>(g.dropout) * 0x1p24f))) {}
  std::int64_t heads;
  int queries, keys, depth;
  A scale, scale_log2, kept;  // scale_log2: for exp2, which is cheaper than exp
  random_stream random;
  std::uint32_t least;  // a probability is kept where its 24 random bits are at least this; 0: no dropout

  // The problem as a thread of a block uses it: the shift of the random numbers has been read.
  template <class Block>
  DCS_DEVICE attention_problem on(Block& b) const {
    attention_problem p = *this;
    p.random = least > 0 ? with_shift(b, random) : random_stream{};
    return p;
  }
  std::int64_t query_blocks(int rows) const { return heads * ceil_div(queries, rows); }
  std::int64_t key_blocks() const { return heads * ceil_div(keys, attention_tile); }
  // Returns the block's head; `first` becomes its first row of that head.
  DCS_DEVICE std::int64_t split(std::int64_t block, int length, int rows, int& first) const {
    const auto each = static_cast<unsigned>(ceil_div(length, rows)), at = static_cast<unsigned>(block);
    first = static_cast<int>(at % each) * rows;
    return at / each;
  }
  DCS_DEVICE std::uint64_t element(std::int64_t head, int i, int j) const {
    return (static_cast<std::uint64_t>(head) * static_cast<unsigned>(queries) + static_cast<unsigned>(i)) * static_cast<unsigned>(keys) +
           static_cast<unsigned>(j);
  }
  // Bit i of the result: whether dropout keeps element first + i of the probabilities. One call of the generator gives four random numbers.
  DCS_DEVICE std::uint32_t kept_sixteen(std::uint64_t first) const {
    const auto offset = static_cast<unsigned>(first % 4);
    std::uint32_t bits = 0;
    DCS_DEVICE_UNROLL
    for (unsigned n = 0; n < 4; ++n) bits |= kept_four(first / 4 + n) << (4 * n);
    if (offset != 0) bits = bits >> offset | kept_four(first / 4 + 4) << (16 - offset);
    return bits & 0xFFFFu;
  }

 private:
  DCS_DEVICE std::uint32_t kept_four(std::uint64_t group) const {
    const auto w = random.words(group);
    return static_cast<std::uint32_t>(w[0] >> 8 >= least) | static_cast<std::uint32_t>(w[1] >> 8 >= least) << 1 |
           static_cast<std::uint32_t>(w[2] >> 8 >= least) << 2 | static_cast<std::uint32_t>(w[3] >> 8 >= least) << 3;
  }
};

DCS_DEVICE inline float exp2(float x) {
#if defined(__CUDA_ARCH__)
  float y;  // two units in the last place, and 0 for subnormal results
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
#else
  return ::exp2f(x);
#endif
}
DCS_DEVICE inline double exp2(double x) { return ::exp2(x); }

template <class Block, class T>
using fragment_a = typename Block::template fragment_a<T>;
template <class Block, class T>
using fragment_c = typename Block::template fragment_c<T>;

// Starts the asynchronous copy of `Rows` rows from row0 on, of a head of `rows` rows, to a tile's rows from `to_row` on.
template <class T, int D, int Rows = attention_tile, class Block, class Shared, class Global>
DCS_DEVICE void copy_tile(Block& b, const Shared& to, int to_row, int stride, const Global& from, std::int64_t head, int row0, int rows) {
  constexpr int n = packet_size<T>, across = D / n, count = Rows * across / attention_threads;
  static_assert(D % n == 0 && count * attention_threads == Rows * across);
  DCS_DEVICE_UNROLL
  for (int i = 0; i < count; ++i) {
    const int at = b.thread() + i * attention_threads, row = at / across, column = at % across * n;
    b.template copy_async<n>(to, (to_row + row) * stride + column, from, (head * rows + row0 + row) * D + column, row0 + row < rows);
  }
}

// A warp's own 16 rows as left operands. Elements of 16 bits stay in registers; wider ones, which a product splits and which would need three times
// as many registers, are read at each use.
template <class T, int D, class Block, class Shared>
class own_rows {
 public:
  static constexpr bool in_registers = sizeof(T) == 2;

  DCS_DEVICE own_rows(Block& b, const Shared& tile, int row, int stride) : tile_(tile), row_(row), stride_(stride) {
    if constexpr (in_registers) {
      DCS_DEVICE_UNROLL
      for (int d = 0; d < D / 16; ++d) rows_[d] = b.load_a(tile, row, 16 * d, stride);
    }
  }
  DCS_DEVICE fragment_a<Block, T> columns(Block& b, int d) const {
    if constexpr (in_registers)
      return rows_[d];
    else
      return b.load_a(tile_, row_, 16 * d, stride_);
  }

 private:
  Shared tile_;
  int row_, stride_;
  fragment_a<Block, T> rows_[in_registers ? D / 16 : 1];
};

// s (16 rows × 16) += own · tileᵀ, where the tile's rows from `row` on are the columns of s.
template <class T, int D, mma_precision P, class Block, class Own, class Shared>
DCS_DEVICE void add_scores(Block& b, fragment_c<Block, T>* s, const Own& own, const Shared& tile, int row, int stride) {
  DCS_DEVICE_UNROLL
  for (int d = 0; d < D / 16; ++d) {
    const auto a = own.columns(b, d);
    DCS_DEVICE_UNROLL
    for (int n = 0; n < 2; ++n) b.template mma<P>(s[n], a, b.load_b(tile, row + 8 * n, 16 * d, stride));
  }
}

// sum (16 rows × D) += a · tile, of the tile's 16 rows from `row` on and its first `columns` columns.
template <class T, int D, mma_precision P, class Block, class Shared>
DCS_DEVICE void add_product(Block& b, fragment_c<Block, T>* sum, const fragment_a<Block, T>& a, const Shared& tile, int row, int stride,
                            int columns = D) {
  DCS_DEVICE_UNROLL
  for (int n = 0; n < D / 8; ++n)
    if (8 * n < columns) b.template mma<P>(sum[n], a, b.load_b_transposed(tile, row, 8 * n, stride));
}

// A fragment of 16 × 16 sums as the left operand of a product.
template <class T, class Block>
DCS_DEVICE fragment_a<Block, T> as_left(const fragment_c<Block, T>* s) {
  fragment_a<Block, T> a;
  DCS_DEVICE_UNROLL
  for (int p = 0; p < 4; ++p) a.set(p, s[p / 2].x[2 * (p % 2)], s[p / 2].x[2 * (p % 2) + 1]);
  return a;
}

// The dropout bits (1: kept) of a warp's 16 rows from row i and 64 columns from column j. Each lane gets 32 of them, as the generator gives four
// neighbouring columns at a time: lane t of the four lanes of row g has columns 16 t to 16 t + 15 of row g in its low 16 bits, of row g + 8 in its
// high ones.
template <class Block, class A>
DCS_DEVICE std::uint32_t kept_of_rows(Block& b, const attention_problem<A>& p, std::int64_t head, int i, int j) {
  const int row = i + b.lane() / 4, column = j + b.lane() % 4 * 16;
  return p.kept_sixteen(p.element(head, row, column)) | p.kept_sixteen(p.element(head, row + 8, column)) << 16;
}
// The dropout bits that a lane needs for columns 16 k to 16 k + 15, from the lane that has them, shifted so that the lane's own columns come first:
// is_kept reads them. `bits`: the result of kept_of_rows.
template <class Block>
DCS_DEVICE std::uint32_t kept_of_step(Block& b, std::uint32_t bits, int k) {
  return b.shuffle(bits, b.lane() / 4 * 4 + k) >> (b.lane() % 4 * 2);
}
// Whether dropout keeps element x of fragment n (0 or 1) of those 16 columns; `step`: the result of kept_of_step.
DCS_DEVICE inline bool is_kept(std::uint32_t step, int n, int x) { return (step >> (16 * (x / 2) + 8 * n + x % 2) & 1u) != 0; }

// The dropout bits of a warp's 16 keys from key j and 64 queries from query i: lane l has query 2 l in its low 16 bits, query 2 l + 1 in its high
// ones, a bit for each key.
template <class Block, class A>
DCS_DEVICE std::uint32_t kept_of_columns(Block& b, const attention_problem<A>& p, std::int64_t head, int i, int j) {
  const int query = i + 2 * b.lane();
  return p.kept_sixteen(p.element(head, query, j)) | p.kept_sixteen(p.element(head, query + 1, j)) << 16;
}

// s: a score, becomes the probability after dropout, by which the gradient of o is multiplied; ds: the gradient of that probability, becomes the
// gradient of the scaled score. Both are set to 0 beyond the end of queries or keys and not multiplied by 0, as 0 times an infinity would be NaN.
template <class A>
DCS_DEVICE void backward_of_score(const attention_problem<A>& p, A& s, A& ds, A logsum_log2, A delta, bool valid, bool kept) {
  const A probability = exp2(s * p.scale_log2 - logsum_log2);
  ds = valid ? probability * ((kept ? ds * p.kept : A(0)) - delta) : A(0);
  s = !valid ? A(0) : kept ? probability : probability * A(0);  // a dropped NaN is NaN, as on the host
}

// logsum and delta of rows g and g + 8 of a warp's queries.
template <class A>
struct query_rows {
  template <class Block, class Global>
  DCS_DEVICE query_rows(Block& b, const Global& logsums, const Global& deltas, std::int64_t head, int row0, int rows) {
    DCS_DEVICE_UNROLL
    for (int r = 0; r < 2; ++r) {
      const int row = row0 + b.lane() / 4 + 8 * r;
      if (row >= rows) continue;
      logsum_log2[r] = logsums.read(head * rows + row) * static_cast<A>(std::numbers::log2e);
      delta[r] = deltas.read(head * rows + row);
    }
  }
  A logsum_log2[2] = {}, delta[2] = {};
};

// The scores of 16 queries and the 16 keys of step k of a tile, of which `columns` are keys. `bits`: the result of kept_of_rows.
template <class T, class Block, class A>
DCS_DEVICE void backward_of_rows(Block& b, const attention_problem<A>& p, fragment_c<Block, T>* s, fragment_c<Block, T>* ds,
                                 const query_rows<A>& rows, int columns, std::uint32_t bits, int k) {
  const std::uint32_t step = p.least > 0 ? kept_of_step(b, bits, k) : 0;
  DCS_DEVICE_UNROLL
  for (int n = 0; n < 2; ++n) {
    DCS_DEVICE_UNROLL
    for (int x = 0; x < 4; ++x) {
      const bool valid = 16 * k + 8 * n + 2 * (b.lane() % 4) + x % 2 < columns;
      backward_of_score(p, s[n].x[x], ds[n].x[x], rows.logsum_log2[x / 2], rows.delta[x / 2], valid, p.least == 0 || is_kept(step, n, x));
    }
  }
}

// The scores of 16 keys and the 16 queries of step k of a tile, which lie from `row` on in the tiles; `queries` of them, counted from the step's
// first, exist. `bits`: the result of kept_of_columns.
template <class T, class Block, class A, class Shared>
DCS_DEVICE void backward_of_columns(Block& b, const attention_problem<A>& p, fragment_c<Block, T>* s, fragment_c<Block, T>* ds, const Shared& logsums,
                                    const Shared& deltas, int row, int queries, std::uint32_t bits, int k) {
  const int g = b.lane() / 4, t = b.lane() % 4;
  DCS_DEVICE_UNROLL
  for (int n = 0; n < 2; ++n) {
    const std::uint32_t step = p.least > 0 ? b.shuffle(bits, 4 * (2 * k + n) + t) >> g : 0;
    const auto logsum = logsums.template read<2>(row + 8 * n + 2 * t), delta = deltas.template read<2>(row + 8 * n + 2 * t);
    DCS_DEVICE_UNROLL
    for (int x = 0; x < 4; ++x) {
      const bool kept = p.least == 0 || (step >> (16 * (x % 2) + 8 * (x / 2)) & 1u) != 0;
      const bool valid = 8 * n + 2 * t + x % 2 < queries;
      backward_of_score(p, s[n].x[x], ds[n].x[x], logsum[x % 2] * static_cast<A>(std::numbers::log2e), delta[x % 2], valid, kept);
    }
  }
}

// Writes a warp's 16 rows, row g and g + 8 of each lane times a factor of their own, to global memory in packets of V: to rows row0, ... of a head of
// `rows` rows, columns column0, ... of `depth`. The rows are rearranged in 16 rows of `stage`, in shared memory, which no other warp uses.
template <class T, int D, int V, class Block, class Shared, class Global>
DCS_DEVICE void store_rows(Block& b, const fragment_c<Block, T>* sum, const arithmetic_t<T>* factor, const Shared& stage, int stage_row, int stride,
                           const Global& to, std::int64_t head, int row0, int rows, int column0, int depth) {
  using A = arithmetic_t<T>;
  const int g = b.lane() / 4, t = b.lane() % 4;
  DCS_DEVICE_UNROLL
  for (int n = 0; n < D / 8; ++n) {
    DCS_DEVICE_UNROLL
    for (int r = 0; r < 2; ++r)
      stage.write((stage_row + g + 8 * r) * stride + 8 * n + 2 * t, packet<A, 2>{{sum[n].x[2 * r] * factor[r], sum[n].x[2 * r + 1] * factor[r]}});
  }
  b.warp_barrier();
  constexpr int across = D / V, count = 16 * across / warp_size;
  static_assert(count * warp_size == 16 * across);
  DCS_DEVICE_UNROLL
  for (int i = 0; i < count; ++i) {
    const int at = b.lane() + i * warp_size, row = at / across, column = at % across * V;
    if (row0 + row < rows && column0 + column < depth)
      to.write((head * rows + row0 + row) * depth + column0 + column, stage.template read<V>((stage_row + row) * stride + column));
  }
}

}  // namespace dcs::cuda::detail

#include <dcs/core/header_end.inl>
