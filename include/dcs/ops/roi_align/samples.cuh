// Common parts of RoIAlign's kernels: the positions of a bin's samples along an axis, the image and map of a RoI, and the map that a block of a
// launch works on. The rules are those of cpu.hpp.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/cuda/device.hpp>
#include <dcs/ops/roi_align/cpu.hpp>

#include <bit>

DCS_EXACT_MATH
namespace dcs::cuda {

/// Maps of one call.
inline constexpr int roi_max_maps = 8;

namespace detail {

struct roi_range {
  int begin = 0, end = 0;
};

template <class A>
struct roi_tap {
  int at;
  A weight;
};

// The i in [0, count) for which [start + i · step, start + (i + 1) · step] may meet [low, high]; may include a few more, to be safe against rounding.
template <class A>
DCS_DEVICE roi_range roi_within(A start, A step, int count, A low, A high) {
  if (!(step > 0)) return {0, count};
  const A slack = A(1) / 64, n = static_cast<A>(count), first = (low - slack - start) / step - 1, last = (high + slack - start) / step + 1;
  return {first > 0 ? static_cast<int>(first < n ? first : n) : 0, last < n ? static_cast<int>(last > 0 ? last : A(0)) : count};
}

// A RoI along one axis, in pixels of its map: bin b is the mean of `grid` samples.
template <class A>
struct roi_axis {
  A start = 0, bin = 0;
  int grid = 0;  // 0: no samples, and bins are 0

  DCS_DEVICE static roi_axis make(A begin, A end, A scale, int bins, int sampling, bool aligned) {
    const A offset = aligned ? A(0.5) : A(0);
    roi_axis axis;
    axis.start = begin * scale - offset;
    A length = end * scale - offset - axis.start;
    if (!aligned && length < 1) length = 1;
    axis.bin = length / static_cast<A>(bins);
    if (!(axis.start - axis.start == 0 && axis.bin - axis.bin == 0)) return axis;
    if (sampling > 0) {
      axis.grid = sampling;
    } else if (axis.bin > 0 && axis.bin < A(1 << 20)) {
      axis.grid = static_cast<int>(axis.bin);
      if (static_cast<A>(axis.grid) < axis.bin) ++axis.grid;
    }
    return axis;
  }
  // The position of sample i of bin b, moved onto the map; false where it is too far outside.
  DCS_DEVICE bool sample(int b, int i, int size, A& at) const {
    at = start + static_cast<A>(b) * bin + (static_cast<A>(i) + A(0.5)) * bin / static_cast<A>(grid);
    const A last = static_cast<A>(size - 1);
    if (!(at >= A(-1) && at <= static_cast<A>(size))) return false;
    at = at < 0 ? A(0) : at > last ? last : at;
    return true;
  }
  // Samples of bin b that may lie in [low, high]: simply all of them where that is cheaper than two divisions.
  DCS_DEVICE roi_range samples(int b, int low, int high) const {
    if (grid <= 8) return {0, grid};
    return roi_within(start + static_cast<A>(b) * bin, bin / static_cast<A>(grid), grid, static_cast<A>(low), static_cast<A>(high));
  }
};

// The parameters of a map and of its crops, without their memory.
template <class A>
struct roi_geometry {
  int batch, height, width, bins_y, bins_x;
  A scale;
};

template <class B>
struct roi_set {
  device_span<const B> rois;
  device_span<const std::int64_t> level;  // null: every RoI is cropped from every map
  int count, sampling;
  bool aligned;

  /// Axes of RoI i on a map. Returns its image, or −1 if the RoI is invalid or not of this map.
  template <class Block, class A>
  DCS_DEVICE int place(Block& b, int i, const roi_geometry<A>& g, roi_axis<A>& y, roi_axis<A>& x) const {
    const auto r = b.global(rois, "rois");
    const std::int64_t at = std::int64_t{5} * i;
    const A image = static_cast<A>(r.read(at));
    x = roi_axis<A>::make(static_cast<A>(r.read(at + 1)), static_cast<A>(r.read(at + 3)), g.scale, g.bins_x, sampling, aligned);
    y = roi_axis<A>::make(static_cast<A>(r.read(at + 2)), static_cast<A>(r.read(at + 4)), g.scale, g.bins_y, sampling, aligned);
    const bool known = image >= 0 && image < static_cast<A>(g.batch) && static_cast<A>(static_cast<int>(image)) == image;
    return known && y.grid > 0 && x.grid > 0 ? static_cast<int>(image) : -1;
  }
};

// A map with its crops, or the gradients of both. The blocks of a launch are numbered consecutively over all levels.
template <class Map, class Crops>
struct roi_level {
  roi_geometry<arithmetic_t<Map>> shape;
  device_span<Map> map;
  device_span<Crops> crops;
  int first_block;
};

// The level that a block works on.
template <class Level>
DCS_DEVICE int roi_level_of(const Level* levels, int count, std::int64_t block) {
  int l = 0;
  while (l + 1 < count && block >= levels[l + 1].first_block) ++l;
  return l;
}

DCS_DEVICE inline int count_bits(std::uint32_t v) {
#if defined(__CUDA_ARCH__)
  return __popc(v);
#else
  return std::popcount(v);
#endif
}

// Among the threads of the block whose predicate is true: the number of them before this thread (begin), and the number of all (end). `counts`:
// shared memory of one int for each warp, free again after the call.
template <class Block, class Shared>
DCS_DEVICE roi_range place_among(Block& b, const Shared& counts, bool keep) {
  const std::uint32_t votes = b.ballot(keep);
  if (b.lane() == 0) counts.write(b.warp(), count_bits(votes));
  b.barrier();
  roi_range place{count_bits(votes & ((1u << b.lane()) - 1)), 0};
  for (int w = 0; w < b.warps(); ++w) {
    const int n = counts.read(w);
    if (w < b.warp()) place.begin += n;
    place.end += n;
  }
  b.barrier();
  return place;
}

// The number of lanes that share a row: a power of two, at most a warp.
constexpr int roi_lanes(std::int64_t packets, int fewest) {
  int lanes = fewest;
  while (lanes < warp_size && lanes < packets) lanes *= 2;
  return lanes;
}

}  // namespace detail

}  // namespace dcs::cuda

#include <dcs/core/header_end.inl>
