// Non-maximum suppression as kernels of the block interface; the host waits for nothing. First, all overlaps are computed in parallel, in tiles of 64
// × 64 boxes: for every box and every earlier tile, one 64-bit word says which boxes of that tile would suppress the box. Then one block goes through
// the tiles in order: one warp decides which of a tile's 64 boxes are kept, in a few rounds of ballots, and every warp marks the boxes of its later
// tiles that these suppress, by a ballot each, while the words for the next tile are being read. Many independent problems (levels of images) share
// the launches.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/cuda/device.hpp>
#include <dcs/expr/scalar.hpp>

#include <cstring>

DCS_EXACT_MATH
namespace dcs::cuda {

namespace detail {

DCS_DEVICE inline int population(std::uint64_t w) {
#if defined(__CUDA_ARCH__)
  return __popcll(w);
#else
  return __builtin_popcountll(w);
#endif
}

template <class A>
using key_of = std::conditional_t<sizeof(A) == 4, std::uint32_t, std::uint64_t>;

/// An integer that increases as x decreases; both zeros have the same key, and NaN has the largest.
template <class A>
DCS_DEVICE inline key_of<A> falling_key(A x) {
  using U = key_of<A>;
  constexpr U sign = U(1) << (8 * sizeof(U) - 1);
  if (!(x == x)) return ~U(0);
  if (x == 0) return sign - 1;
  U bits;
  memcpy(&bits, &x, sizeof bits);
  return (bits & sign) != 0 ? bits : sign - 1 - bits;
}

// The largest A that is not above the threshold: comparing an IoU in A with it is the same as comparing with the threshold in double.
template <class A>
A overlap_bound(double threshold) {
  const A bound = static_cast<A>(threshold);
  return static_cast<double>(bound) > threshold ? std::nextafter(bound, -std::numeric_limits<A>::infinity()) : bound;
}

template <class A>
struct corners {
  A x1, y1, x2, y2;
};
template <class A, class Accessor>
DCS_DEVICE inline corners<A> read_corners(const Accessor& a, std::int64_t i) {
  if constexpr (4 * sizeof(typename Accessor::value_type) <= 16) {
    const auto p = a.template read<4>(4 * i);
    return {p[0], p[1], p[2], p[3]};
  } else {
    const auto p = a.template read<2>(4 * i), q = a.template read<2>(4 * i + 2);
    return {p[0], p[1], q[0], q[1]};
  }
}

}  // namespace detail

inline constexpr int nms_tile = 64, nms_most_levels = 8;

/// Independent problems of suppression. Problem p is of level p % levels and has count[level] boxes, which begin at p · stride; the stride is a
/// multiple of 64.
struct nms_problems {
  std::int64_t problems = 0, stride = 0;
  int levels = 1;
  std::int32_t count[nms_most_levels] = {};

  /// The number of words that hold the overlaps of a problem: 64 for each tile w and each tile 0 … w.
  DCS_DEVICE std::int64_t words() const {
    const std::int64_t tiles = stride / nms_tile;
    return tiles * (tiles + 1) / 2 * nms_tile;
  }
  DCS_DEVICE static std::int64_t word(std::int64_t tile, std::int64_t earlier) { return (tile * (tile + 1) / 2 + earlier) * nms_tile; }
};

/// Sorts boxes by falling score: a box's position is the number of boxes that come before it. A box whose score is NaN gets NaN coordinates, by which
/// later kernels recognise that it must be ignored.
template <class T>
struct nms_rank_kernel {
  static constexpr const char* name = "nms_rank";
  static constexpr int threads = 256;
  using A = arithmetic_t<T>;
  device_span<const T> boxes, scores;
  device_span<const std::int64_t> group;  // null: none
  device_span<A> sorted;
  device_span<std::int32_t> order, sorted_group;
  A nan;

  std::int64_t blocks() const { return ceil_div(scores.size, std::int64_t{threads}); }
  static constexpr std::int64_t shared_bytes() { return threads * static_cast<std::int64_t>(sizeof(A)); }

  template <class Block>
  DCS_DEVICE void operator()(Block& b) const {
    using U = detail::key_of<A>;
    const auto keys = b.template shared<U>(threads, "keys");
    const auto score = b.global(scores, "scores");
    const std::int64_t i = b.index(), n = scores.size;
    const A own_score = i < n ? score.read(i) : A(0);
    const U key = detail::falling_key(own_score);
    std::int64_t place = 0;
    for (std::int64_t begin = 0; begin < n; begin += threads) {
      if (begin + b.thread() < n) keys.write(b.thread(), detail::falling_key(score.read(begin + b.thread())));
      b.barrier();
      const int in_chunk = n - begin < threads ? static_cast<int>(n - begin) : threads;
      for (int k = 0; k < in_chunk; ++k) {
        const U other = keys.read(k);
        place += other < key || (other == key && begin + k < i);
      }
      b.barrier();
    }
    if (i >= n) return;
    const auto in = b.global(boxes, "boxes");
    const auto out = b.global(sorted, "sorted boxes");
    for (int k = 0; k < 4; ++k) out.write(4 * place + k, own_score == own_score ? in.read(4 * i + k) : nan);
    b.global(order, "order").write(place, static_cast<std::int32_t>(i));
    if (group) b.global(sorted_group, "sorted groups").write(place, static_cast<std::int32_t>(b.global(group, "groups").read(i)));
  }
};

/// Bit r of word c of tiles (w, t ≤ w): box r of tile t comes before box c of tile w and overlaps it too much. A block has a tile t against four
/// tiles w: a thread for each c, the boxes r in shared memory, where all threads read the same one.
template <class A, bool Grouped>
struct nms_overlaps_kernel {
  static constexpr const char* name = "nms_overlaps";
  static constexpr int threads = 256, tiles = threads / nms_tile;
  nms_problems all;
  device_span<const A> boxes;
  device_span<const std::int32_t> group;
  device_span<std::uint64_t> overlaps;
  A bound;
  std::int64_t first_block[nms_most_levels + 1] = {};  // for each level, the first block of a group of blocks that has one problem of every level

  nms_overlaps_kernel(const nms_problems& p, device_span<const A> boxes, device_span<const std::int32_t> group, device_span<std::uint64_t> overlaps,
                      A bound)
      : all(p), boxes(boxes), group(group), overlaps(overlaps), bound(bound) {
    for (int l = 0; l < p.levels; ++l) {
      const std::int64_t rows = ceil_div<std::int64_t>(p.count[l], nms_tile);
      std::int64_t blocks = 0;
      for (std::int64_t g = 0; g < ceil_div(rows, std::int64_t{tiles}); ++g) blocks += std::min(rows, tiles * (g + 1));
      first_block[l + 1] = first_block[l] + blocks;
    }
  }
  std::int64_t blocks() const { return first_block[all.levels] * (all.problems / all.levels); }
  static constexpr std::int64_t shared_bytes() { return nms_tile * (5 * static_cast<std::int64_t>(sizeof(A)) + 4); }

  template <class Block>
  DCS_DEVICE void operator()(Block& b) const {
    const auto corner = b.template shared<A>(4 * nms_tile, "boxes of the earlier tile");
    const auto area = b.template shared<A>(nms_tile, "areas of the earlier tile");
    const auto groups = b.template shared<std::int32_t>(nms_tile, "groups of the earlier tile");
    const std::int64_t of_all = first_block[all.levels];
    std::int64_t q = b.block() % of_all;
    int level = 0;
    while (q >= first_block[level + 1]) ++level;
    q -= first_block[level];
    const std::int64_t problem = b.block() / of_all * all.levels + level, base = problem * all.stride;
    // Group g of columns has min(tiles · (g + 1), all) earlier tiles.
    std::int64_t g = 0;
    while (tiles * (g + 1) * (g + 2) / 2 <= q) ++g;
    const std::int64_t row_tile = q - tiles * g * (g + 1) / 2, row = row_tile * nms_tile, column = g * threads + b.thread(), count = all.count[level];
    const auto in = b.global(boxes, "boxes");
    const auto in_group = b.global(group, "groups");
    if (b.thread() < nms_tile) {
      detail::corners<A> r{};
      if (row + b.thread() < count) {
        r = detail::read_corners<A>(in, base + row + b.thread());
        if constexpr (Grouped) groups.write(b.thread(), in_group.read(base + row + b.thread()));
      } else if constexpr (Grouped) {
        groups.write(b.thread(), 0);
      }
      corner.write(4 * b.thread(), r.x1), corner.write(4 * b.thread() + 1, r.y1), corner.write(4 * b.thread() + 2, r.x2),
          corner.write(4 * b.thread() + 3, r.y2);
      area.write(b.thread(), (r.x2 - r.x1) * (r.y2 - r.y1));
    }
    b.barrier();
    const std::int64_t tile = column / nms_tile;
    if (column >= count || tile < row_tile) return;
    const auto c = detail::read_corners<A>(in, base + column);
    const A column_area = (c.x2 - c.x1) * (c.y2 - c.y1);
    const std::int32_t own = Grouped ? in_group.read(base + column) : 0;
    // Boxes of the tile that come before this one.
    const std::int64_t before = column - row;
    const int rows = before < nms_tile ? static_cast<int>(before) : nms_tile;
    std::uint64_t word = 0;
    for (int eighth = 0; eighth < 8; ++eighth) {
      std::uint32_t bits = 0;
      DCS_DEVICE_UNROLL
      for (int k = 0; k < 8; ++k) {
        const int i = 8 * eighth + k;
        const auto r = detail::read_corners<A>(corner, i);
        const A left = r.x1 > c.x1 ? r.x1 : c.x1, top = r.y1 > c.y1 ? r.y1 : c.y1, right = r.x2 < c.x2 ? r.x2 : c.x2,
                bottom = r.y2 < c.y2 ? r.y2 : c.y2;
        const A w = right > left ? right - left : A(0), h = bottom > top ? bottom - top : A(0), inner = w * h;
        bool hit = inner / (column_area + area.read(i) - inner) > bound && i < rows;
        if constexpr (Grouped) hit = hit && groups.read(i) == own;
        bits |= static_cast<std::uint32_t>(hit) << k;
      }
      word |= static_cast<std::uint64_t>(bits) << (8 * eighth);
    }
    b.global(overlaps, "overlaps").write(problem * all.words() + nms_problems::word(tile, row_tile) + column % nms_tile, word);
  }
};

/// Writes the kept boxes of each problem in order, and their number; a block for a problem. A box i is written as names[i], or as i where there are
/// no names; -1 after the last.
template <class A, class Name>
struct nms_survivors_kernel {
  static constexpr const char* name = "nms_survivors";
  static constexpr int threads = 1024, warps = threads / warp_size;
  static constexpr int ahead = 2;  // number of a warp's tiles whose words are prefetched: all of its tiles up to 4096 boxes
  nms_problems all;
  device_span<const A> boxes;
  device_span<const std::uint64_t> overlaps;
  device_span<const std::int32_t> names;  // null: none
  device_span<Name> kept, kept_count;     // `kept_stride` places for each problem; one number for each problem
  std::int64_t kept_stride;

  std::int64_t blocks() const { return all.problems; }
  std::int64_t shared_bytes() const { return 2 * ceil_div<std::int64_t>(all.stride / nms_tile, 2) * 16; }

  template <class Block>
  DCS_DEVICE void operator()(Block& b) const {
    const std::int64_t problem = b.block(), count = all.count[problem % all.levels], base = problem * all.stride,
                       tiles = ceil_div<std::int64_t>(count, nms_tile);
    const auto suppressed = b.template shared<std::uint64_t>(all.stride / nms_tile, "boxes that are suppressed");
    const auto kept_boxes = b.template shared<std::uint64_t>(all.stride / nms_tile, "kept boxes");
    const auto in = b.global(boxes, "boxes");
    const auto words = b.global(overlaps, "overlaps");
    const int lane = b.lane(), warp = b.warp();
    // Warp w % warps owns tile w: it alone writes the tile's word in `suppressed`, and decides which of its boxes are kept. Boxes beyond the end or
    // with NaN coordinates count as suppressed from the start.
    for (std::int64_t w = warp; w < tiles; w += warps) {
      std::uint32_t absent_boxes[2];
      for (int h = 0; h < 2; ++h) {
        const std::int64_t c = w * nms_tile + 32 * h + lane;
        bool absent = c >= count;
        if (!absent) {
          const auto r = detail::read_corners<A>(in, base + c);
          const A area = (r.x2 - r.x1) * (r.y2 - r.y1);
          absent = !(area == area);
        }
        absent_boxes[h] = b.ballot(absent);
      }
      if (lane == 0) suppressed.write(w, join(absent_boxes));
    }
    std::uint64_t next[ahead][2] = {};
    read_ahead(words, problem, 0, count, warp, lane, next);
    for (std::int64_t t = 0; t < tiles; ++t) {
      std::uint64_t now[ahead][2];
      DCS_DEVICE_UNROLL
      for (int c = 0; c < ahead; ++c) now[c][0] = next[c][0], now[c][1] = next[c][1];
      if (t + 1 < tiles) read_ahead(words, problem, t + 1, count, warp, lane, next);
      if (t % warps == warp) {
        b.warp_barrier();
        std::uint64_t own[2];
        take(words, problem, t, t, count, lane, now, own);
        const std::uint64_t kept_now = keep_of_tile(b, own, suppressed.read(t));
        if (lane == 0) kept_boxes.write(t, kept_now);
      }
      b.barrier();
      const std::uint64_t kept_of_tile = kept_boxes.read(t);
      // Starts at the first tile after t that this warp owns.
      for (std::int64_t w = t - t % warps + warp + (warp <= t % warps ? warps : 0); w < tiles; w += warps) {
        std::uint64_t own[2];
        take(words, problem, w, t, count, lane, now, own);
        const std::uint32_t hit[2] = {b.ballot((own[0] & kept_of_tile) != 0), b.ballot((own[1] & kept_of_tile) != 0)};
        if (lane == 0) suppressed.write(w, suppressed.read(w) | join(hit));
      }
    }
    const auto out = b.global(kept, "kept");
    std::int64_t total = 0;
    for (std::int64_t t = 0; t < tiles; ++t) total += detail::population(kept_boxes.read(t));
    if (b.thread() == 0) b.global(kept_count, "number kept").write(problem, static_cast<Name>(total));
    for (std::int64_t i = b.thread(); i < kept_stride; i += threads)
      if (i >= total) out.write(problem * kept_stride + i, Name(-1));
    for (std::int64_t w = warp; w < tiles; w += warps) {
      std::int64_t before = 0;
      for (std::int64_t t = 0; t < w; ++t) before += detail::population(kept_boxes.read(t));
      const std::uint64_t word = kept_boxes.read(w);
      for (int c = lane; c < nms_tile; c += warp_size)
        if ((word >> c & 1) != 0) {
          const std::int64_t i = w * nms_tile + c, at = before + detail::population(word & ((std::uint64_t{1} << c) - 1));
          out.write(problem * kept_stride + at, names ? static_cast<Name>(b.global(names, "names").read(base + i)) : static_cast<Name>(i));
        }
    }
  }

 private:
  DCS_DEVICE static std::uint64_t join(const std::uint32_t* half) { return half[0] | static_cast<std::uint64_t>(half[1]) << 32; }

  // The words of boxes lane and 32 + lane of tile w: which boxes of tile t suppress them.
  template <class Words>
  DCS_DEVICE void read_words(const Words& words, std::int64_t problem, std::int64_t w, std::int64_t t, std::int64_t count, int lane,
                             std::uint64_t* own) const {
    const std::int64_t at = problem * all.words() + nms_problems::word(w, t);
    DCS_DEVICE_UNROLL
    for (int h = 0; h < 2; ++h) own[h] = w * nms_tile + 32 * h + lane < count ? words.read(at + 32 * h + lane) : 0;
  }
  template <class Words>
  DCS_DEVICE void read_ahead(const Words& words, std::int64_t problem, std::int64_t t, std::int64_t count, int warp, int lane,
                             std::uint64_t (*next)[2]) const {
    DCS_DEVICE_UNROLL
    for (int c = 0; c < ahead; ++c) {
      const std::int64_t w = warp + c * warps;
      if (w >= t) read_words(words, problem, w, t, count, lane, next[c]);
    }
  }
  template <class Words>
  DCS_DEVICE void take(const Words& words, std::int64_t problem, std::int64_t w, std::int64_t t, std::int64_t count, int lane,
                       const std::uint64_t (*now)[2], std::uint64_t* own) const {
    if (w < warps)
      own[0] = now[0][0], own[1] = now[0][1];
    else if (w < 2 * warps)
      own[0] = now[1][0], own[1] = now[1][1];
    else
      read_words(words, problem, w, t, count, lane, own);
  }

  // The boxes of a tile that are kept, of those not suppressed by earlier tiles. `suppressors`: for boxes lane and 32 + lane, the earlier boxes of
  // the tile that suppress them if they are kept. A box is undecided at first; in each round it is kept if all boxes that could suppress it are
  // suppressed, and suppressed if one of them is kept. The first undecided box is decided in every round, so the loop ends.
  template <class Block>
  DCS_DEVICE static std::uint64_t keep_of_tile(Block& b, const std::uint64_t* suppressors, std::uint64_t suppressed) {
    std::uint64_t undecided = ~suppressed, keep = 0;
    while (undecided != 0) {
      const bool pending[2] = {(undecided >> b.lane() & 1) != 0, (undecided >> (32 + b.lane()) & 1) != 0};
      const std::uint32_t kept_now[2] = {b.ballot(pending[0] && (suppressors[0] & (undecided | keep)) == 0),
                                         b.ballot(pending[1] && (suppressors[1] & (undecided | keep)) == 0)};
      keep |= join(kept_now);
      const std::uint32_t suppressed_now[2] = {b.ballot(pending[0] && (suppressors[0] & keep) != 0),
                                               b.ballot(pending[1] && (suppressors[1] & keep) != 0)};
      undecided &= ~(join(kept_now) | join(suppressed_now));
    }
    return keep;
  }
};

/// Suppression within each of the problems: `kept`, of `kept_stride` places for each problem, receives the names of the kept boxes, and -1 after the
/// last. Boxes, aligned to 16 bytes, are sorted by falling score.
template <class A, class Name, gpu D>
void suppress(D, const nms_problems& all, const A* boxes, const std::int32_t* group, const std::int32_t* names, double threshold, Name* kept,
              std::int64_t kept_stride, Name* kept_count) {
  if (all.problems == 0) return;
  const device_scratch<std::uint64_t, D> overlaps(all.problems * all.words());
  const device_span<const A> b{boxes, 4 * all.problems * all.stride};
  const device_span<const std::int32_t> g{group, group ? all.problems * all.stride : 0}, n{names, names ? all.problems * all.stride : 0};
  const A bound = detail::overlap_bound<A>(threshold);
  if (group)
    launch(D{}, nms_overlaps_kernel<A, true>(all, b, g, overlaps.span(), bound));
  else
    launch(D{}, nms_overlaps_kernel<A, false>(all, b, g, overlaps.span(), bound));
  launch(D{}, nms_survivors_kernel<A, Name>{all, b, overlaps.span(), n, {kept, all.problems * kept_stride}, {kept_count, all.problems}, kept_stride});
}

/// dcs::nms with everything in the device's memory: the first *count of the n numbers at `kept` are the indices of the kept boxes, by falling score
/// (equal scores in their order); the rest are -1. A box with a NaN score or corner is ignored: it neither suppresses others nor is kept. `group` may
/// be null.
template <class T, gpu D>
void nms(D, const T* boxes, const T* scores, std::int64_t n, double threshold, const std::int64_t* group, std::int64_t* kept, std::int64_t* count) {
  using A = arithmetic_t<T>;
  expect(n >= 0 && n < std::int64_t{1} << 31, "dcs::nms: ", n, " boxes; expected less than 2^31");
  const nms_problems one{1, ceil_div(n, std::int64_t{nms_tile}) * nms_tile, 1, {static_cast<std::int32_t>(n)}};
  const device_scratch<A, D> sorted(4 * one.stride);
  const device_scratch<std::int32_t, D> order(one.stride), sorted_group(group ? one.stride : 0);
  launch(D{}, nms_rank_kernel<T>{
                  {boxes, 4 * n}, {scores, n}, {group, n}, sorted.span(), order.span(), sorted_group.span(), std::numeric_limits<A>::quiet_NaN()});
  suppress(D{}, one, sorted.data(), group ? sorted_group.data() : nullptr, order.data(), threshold, kept, n, count);
}

}  // namespace dcs::cuda

#include <dcs/core/header_end.inl>
