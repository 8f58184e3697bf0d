// Choosing the boxes that are kept, from their overlaps, as a kernel of the block interface; see cuda.cuh.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/ops/nms/boxes.cuh>

DCS_EXACT_MATH
namespace dcs::cuda {

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
    // Warp w % warps owns tile w: it alone writes the tile's word in `suppressed`, and decides which of its boxes are kept.
    for (std::int64_t w = warp; w < tiles; w += warps) {
      const std::uint64_t absent = absent_of_tile(b, in, base, w, count);
      if (lane == 0) suppressed.write(w, absent);
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
    write_kept(b, kept_boxes, problem, base, tiles);
  }

 private:
  DCS_DEVICE static std::uint64_t join(const std::uint32_t* half) { return half[0] | static_cast<std::uint64_t>(half[1]) << 32; }

  // Boxes of tile w that count as suppressed from the start: beyond the end, or with NaN coordinates.
  template <class Block, class Boxes>
  DCS_DEVICE static std::uint64_t absent_of_tile(Block& b, const Boxes& in, std::int64_t base, std::int64_t w, std::int64_t count) {
    std::uint32_t absent_boxes[2];
    for (int h = 0; h < 2; ++h) {
      const std::int64_t c = w * nms_tile + 32 * h + b.lane();
      bool absent = c >= count;
      if (!absent) {
        const auto r = detail::read_corners<A>(in, base + c);
        const A area = (r.x2 - r.x1) * (r.y2 - r.y1);
        absent = !(area == area);
      }
      absent_boxes[h] = b.ballot(absent);
    }
    return join(absent_boxes);
  }
  // Writes the problem's kept boxes, -1 behind them, and their number.
  template <class Block, class Words>
  DCS_DEVICE void write_kept(Block& b, const Words& kept_boxes, std::int64_t problem, std::int64_t base, std::int64_t tiles) const {
    const auto out = b.global(kept, "kept");
    std::int64_t total = 0;
    for (std::int64_t t = 0; t < tiles; ++t) total += detail::population(kept_boxes.read(t));
    if (b.thread() == 0) b.global(kept_count, "number kept").write(problem, static_cast<Name>(total));
    for (std::int64_t i = b.thread(); i < kept_stride; i += threads)
      if (i >= total) out.write(problem * kept_stride + i, Name(-1));
    for (std::int64_t w = b.warp(); w < tiles; w += warps) {
      std::int64_t before = 0;
      for (std::int64_t t = 0; t < w; ++t) before += detail::population(kept_boxes.read(t));
      const std::uint64_t word = kept_boxes.read(w);
      for (int c = b.lane(); c < nms_tile; c += warp_size)
        if ((word >> c & 1) != 0) {
          const std::int64_t i = w * nms_tile + c, at = before + detail::population(word & ((std::uint64_t{1} << c) - 1));
          out.write(problem * kept_stride + at, names ? static_cast<Name>(b.global(names, "names").read(base + i)) : static_cast<Name>(i));
        }
    }
  }

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

}  // namespace dcs::cuda

#include <dcs/core/header_end.inl>
