// The best anchors of each level as a kernel of the block interface; see rpn.cuh.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/detect/rpn.hpp>
#include <dcs/detect/select.cuh>
#include <dcs/expr/scalar.hpp>
#include <dcs/ops/nms/boxes.cuh>

DCS_EXACT_MATH
namespace dcs::cuda {

/// The outputs of the head for a level, on a device: objectness [images][height][width][3] and deltas [images][height][width][3][4], aligned to 16
/// bytes.
template <class T>
struct proposal_level {
  const T* objectness;
  const T* deltas;
  std::int64_t height, width;
};

inline constexpr int most_candidates = 4096;

/// The best anchors of every level of every image by falling objectness, decoded and clipped. A box that is too small or has a NaN score gets NaN
/// corners. The scores of a level never increase from one candidate to the next.
template <class T>
struct proposal_candidates_kernel {
  static constexpr const char* name = "proposal_candidates";
  static constexpr int threads = detail::select_threads, resident = 1, bins = detail::select_bins;
  using A = arithmetic_t<T>;
  using U = detail::key_of<A>;
  struct level {
    device_span<const T> objectness, deltas;
    std::int64_t anchors, width, stride_y, stride_x;
    A cell[anchor_shapes][4];
  };
  level levels[nms_most_levels];
  nms_problems all;
  device_span<A> boxes, scores;
  A nan, infinity;
  std::int64_t height, width;  // of the images, in pixels
  double smallest;
  box_coder coder;
  int sorted;  // a power of two, at least the largest count of candidates

  std::int64_t blocks() const { return all.problems; }
  std::int64_t shared_bytes() const {
    return bins * 4 + sorted * static_cast<std::int64_t>(sizeof(U) + 4) + threads / warp_size * static_cast<std::int64_t>(4 + sizeof(A)) + 16;
  }

  template <class Block>
  DCS_DEVICE void operator()(Block& b) const {
    const auto counts = b.template shared<std::int32_t>(bins, "histogram");
    const auto keys = b.template shared<U>(sorted, "keys");
    const auto index = b.template shared<std::int32_t>(sorted, "anchors");
    const auto sums = b.template shared<std::int32_t>(threads / warp_size, "sums of warps");
    const auto lows = b.template shared<A>(threads / warp_size, "minima of warps");
    const auto found = b.template shared<std::int32_t>(4, "digit, anchors before it, anchors of it; slots taken");
    // Blocks of large levels come first, as they take longest.
    const std::int64_t images = all.problems / all.levels, image = b.block() % images;
    const int at_level = static_cast<int>(b.block() / images), count = all.count[at_level];
    const level& l = levels[at_level];
    const auto objectness = b.global(l.objectness, "objectness");
    const std::int64_t first = image * l.anchors;

    // An anchor is a candidate if the leading bits of its key are below `limit`, or equal to it and the leading bits of the anchor's index at most
    // `index_limit`.
    U limit = ~U(0);
    std::int32_t index_limit = 0x7FFFFFFF;
    int shift = 0, index_shift = 0;
    if (count < l.anchors) {
      std::int32_t need = count;
      const bool tied = detail::select_digits(b, counts, sums, found, 8 * static_cast<int>(sizeof(U)), need, limit, shift, [&](const auto& use) {
        for_each_key(b, objectness, first, l.anchors, [&](U key, std::int32_t) { use(key); });
      });
      if (tied)
        detail::select_digits(b, counts, sums, found, 31, need, index_limit, index_shift, [&](const auto& use) {
          for_each_key(b, objectness, first, l.anchors, [&](U key, std::int32_t i) {
            if (key == limit) use(i);
          });
        });
    }
    for (int i = b.thread(); i < sorted; i += threads)
      if (i >= count) keys.write(i, ~U(0)), index.write(i, 0x7FFFFFFF);
    if (b.thread() == 0) found.write(3, 0);
    b.barrier();
    for_each_key(b, objectness, first, l.anchors, [&](U key, std::int32_t i) {
      const U lead = key >> shift;
      if (lead < limit || (lead == limit && i >> index_shift <= index_limit)) {
        const std::int32_t slot = b.atomic_add(found, 3, std::int32_t{1});
        keys.write(slot, key), index.write(slot, i);
      }
    });
    b.barrier();
    sort(b, keys, index);
    decode(b, l, image * all.levels + at_level, image, count, objectness, index, lows);
  }

 private:
  template <class Block, class Objectness, class F>
  DCS_DEVICE static void for_each_key(Block& b, const Objectness& objectness, std::int64_t first, std::int64_t n, F f) {
    constexpr int width = packet_size<T>;
    if (n % width == 0) {
      for (std::int64_t i = b.thread() * width; i < n; i += threads * width) {
        const auto p = objectness.template read<width>(first + i);
        DCS_DEVICE_UNROLL
        for (int v = 0; v < width; ++v) f(detail::falling_key(p[v]), static_cast<std::int32_t>(i + v));
      }
    } else {
      for (std::int64_t i = b.thread(); i < n; i += threads) f(detail::falling_key(objectness.read(first + i)), static_cast<std::int32_t>(i));
    }
  }

  // Bitonic sort (Batcher 1968) by key, then index. Steps of at most 32 stay within the 64 elements of a warp.
  template <class Block, class Keys, class Index>
  DCS_DEVICE void sort(Block& b, const Keys& keys, const Index& index) const {
    for (int size = 2; size <= sorted; size *= 2)
      for (int step = size / 2; step > 0; step /= 2) {
        if (step >= warp_size)
          b.barrier();
        else
          b.warp_barrier();
        for (int pair = b.thread(); pair < sorted / 2; pair += threads) {
          const int i = 2 * pair - (pair & (step - 1)), j = i + step;
          const U a = keys.read(i), c = keys.read(j);
          const std::int32_t p = index.read(i), q = index.read(j);
          const bool falls = c < a || (c == a && q < p), rising = (i & size) == 0;
          if (falls == rising) keys.write(i, c), keys.write(j, a), index.write(i, q), index.write(j, p);
        }
      }
    b.barrier();
  }

  // Each thread has a few consecutive candidates.
  template <class Block, class Objectness, class Index, class Lows>
  DCS_DEVICE void decode(Block& b, const level& l, std::int64_t problem, std::int64_t image, int count, const Objectness& objectness,
                         const Index& index, const Lows& lows) const {
    constexpr int most = most_candidates / threads;
    const int each = (count + threads - 1) / threads, begin = b.thread() * each;
    A score[most], low = infinity;
    DCS_DEVICE_UNROLL
    for (int k = 0; k < most; ++k) {
      score[k] = infinity;
      if (k >= each || begin + k >= count) continue;
      score[k] = A(1) / (A(1) + lane::exp(-objectness.read(image * l.anchors + index.read(begin + k))));
      low = detail::smaller{}(low, score[k]);
    }
    // Candidates are in order of falling logits, but rounding in exp may still make a score larger than the one before. The merge requires that
    // scores never increase, so each becomes the minimum of all scores up to it.
    low = detail::block_scan(b, lows, low, detail::smaller{});
    const auto out_score = b.global(scores, "scores");
    const auto out = b.global(boxes, "boxes");
    const auto deltas = b.global(l.deltas, "deltas");
    A running = b.shuffle(low, b.lane() == 0 ? 0 : b.lane() - 1);
    if (b.lane() == warp_size - 1) lows.write(b.warp(), low);
    b.barrier();
    if (b.lane() == 0) running = b.warp() == 0 ? infinity : lows.read(b.warp() - 1);
    DCS_DEVICE_UNROLL
    for (int k = 0; k < most; ++k) {
      if (k >= each || begin + k >= count) continue;
      running = detail::smaller{}(running, score[k]);
      const std::int64_t anchor = index.read(begin + k), place = anchor / anchor_shapes, shape = anchor % anchor_shapes,
                         to = problem * all.stride + begin + k;
      const A x = static_cast<A>(place % l.width * l.stride_x), y = static_cast<A>(place / l.width * l.stride_y);
      const box<A> reference{l.cell[shape][0] + x, l.cell[shape][1] + y, l.cell[shape][2] + x, l.cell[shape][3] + y};
      double d[4];
      constexpr int part = packet_size<T> < 4 ? packet_size<T> : 4;
      DCS_DEVICE_UNROLL
      for (int i = 0; i < 4; i += part) {
        const auto p = deltas.template read<part>((image * l.anchors + anchor) * 4 + i);
        DCS_DEVICE_UNROLL
        for (int v = 0; v < part; ++v) d[i + v] = p[v];
      }
      const auto [decoded, large] = coder.decode_within(reference, d, height, width, smallest);
      const bool valid = large && score[k] == score[k];
      const A corner[4] = {decoded.x1, decoded.y1, decoded.x2, decoded.y2};
      out_score.write(to, running);
      DCS_DEVICE_UNROLL
      for (int i = 0; i < 4; i += packet_size<A>) {
        packet<A, packet_size<A>> p;
        DCS_DEVICE_UNROLL
        for (int v = 0; v < packet_size<A>; ++v) p[v] = valid ? corner[i + v] : nan;
        out.write(4 * to + i, p);
      }
    }
  }
};

}  // namespace dcs::cuda

#include <dcs/core/header_end.inl>
