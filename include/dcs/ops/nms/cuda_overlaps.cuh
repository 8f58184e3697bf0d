// The overlaps of boxes in tiles of 64 × 64, as a kernel of the block interface; see cuda.cuh.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/ops/nms/boxes.cuh>

DCS_EXACT_MATH
namespace dcs::cuda {

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

}  // namespace dcs::cuda

#include <dcs/core/header_end.inl>
