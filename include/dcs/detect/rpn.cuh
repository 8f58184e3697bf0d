// Proposals chosen on the device by the rules of rpn.hpp, in four launches for all images and levels; the host waits for nothing. A block has one
// level of one image: it finds the key of the last candidate by radix selection (select.cuh; the anchor's index decides between equal scores),
// collects the candidates in shared memory, sorts them there and decodes them. Suppression is that of ops/nms. The boxes that each level keeps are
// merged by rank: a box's position among all is its position in its own level plus the number of boxes before it in each other level, found by
// bisection.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/cuda/device.hpp>
#include <dcs/detect/rpn.hpp>
#include <dcs/detect/select.cuh>
#include <dcs/expr/scalar.hpp>
#include <dcs/ops/nms/cuda.cuh>

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
  static constexpr int threads = detail::select_threads, resident = 1, digit = detail::select_digit, bins = detail::select_bins;
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
      limit = 0, shift = 8 * static_cast<int>(sizeof(U));
      bool open = true;
      while (open && shift > 0) {
        const int bits = shift < digit ? shift : digit, above = shift;
        const U known = limit;
        shift -= bits;
        detail::clear_bins(b, counts);
        for_each_key(b, objectness, first, l.anchors, [&](U key, std::int32_t) {
          if (above == 8 * static_cast<int>(sizeof(U)) || key >> above == known)
            b.atomic_add(counts, static_cast<std::int64_t>(key >> shift & ((U(1) << bits) - 1)), std::int32_t{1});
        });
        b.barrier();
        open = detail::choose_digit(b, counts, sums, found, need);
        limit = limit << bits | static_cast<U>(found.read(0));
      }
      if (open) index_limit = 0, index_shift = 31;
      while (open && index_shift > 0) {
        const int bits = index_shift < digit ? index_shift : digit, above = index_shift;
        const std::int32_t known = index_limit;
        index_shift -= bits;
        detail::clear_bins(b, counts);
        for_each_key(b, objectness, first, l.anchors, [&](U key, std::int32_t i) {
          if (key == limit && (above == 31 || i >> above == known)) b.atomic_add(counts, i >> index_shift & ((1 << bits) - 1), std::int32_t{1});
        });
        b.barrier();
        open = detail::choose_digit(b, counts, sums, found, need);
        index_limit = index_limit << bits | found.read(0);
      }
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

/// The best kept boxes of all levels of an image by falling score, equal scores by level; zeros in the remaining places. A thread has one kept box.
template <class A>
struct proposal_merge_kernel {
  static constexpr const char* name = "proposal_merge";
  static constexpr int threads = 256;
  nms_problems all;
  device_span<const A> boxes, scores;
  device_span<const std::int32_t> kept, kept_count;
  device_span<A> merged;
  device_span<std::int32_t> merged_count;
  std::int64_t most;

  std::int64_t blocks_of_image() const { return ceil_div(std::max(all.levels * all.stride, most), std::int64_t{threads}); }
  std::int64_t of_image = blocks_of_image();
  std::int64_t blocks() const { return all.problems / all.levels * of_image; }
  static constexpr std::int64_t shared_bytes() { return 0; }

  template <class Block>
  DCS_DEVICE void operator()(Block& b) const {
    const std::int64_t image = b.block() / of_image, i = b.block() % of_image * threads + b.thread();
    const auto counts = b.global(kept_count, "numbers kept");
    const auto out = b.global(merged, "proposals");
    std::int64_t total = 0;
    for (int l = 0; l < all.levels; ++l) total += counts.read(image * all.levels + l);
    if (i == 0) b.global(merged_count, "number of proposals").write(image, static_cast<std::int32_t>(total < most ? total : most));
    if (i < most && i >= total)
      for (int k = 0; k < 4; ++k) out.write(4 * (image * most + i) + k, A(0));
    const std::int64_t level = i / all.stride, rank = i % all.stride, problem = image * all.levels + level;
    if (level >= all.levels || rank >= counts.read(problem)) return;
    const auto order = b.global(kept, "kept");
    const auto score = b.global(scores, "scores");
    const std::int64_t from = problem * all.stride + order.read(problem * all.stride + rank);
    const A own_score = score.read(from);
    std::int64_t place = rank;
    for (std::int64_t l = 0; l < all.levels && place < most; ++l) {
      if (l == level) continue;
      const std::int64_t base = (image * all.levels + l) * all.stride;
      // Boxes [0, low) all come before this one, boxes [high, …) all after it.
      std::int64_t low = 0, high = counts.read(image * all.levels + l);
      while (low < high) {
        const std::int64_t middle = (low + high) / 2;
        const A other = score.read(base + order.read(base + middle));
        if (l < level ? other >= own_score : other > own_score)
          low = middle + 1;
        else
          high = middle;
      }
      place += low;
    }
    if (place >= most) return;
    const auto r = detail::read_corners<A>(b.global(boxes, "boxes"), from);
    const A corner[4] = {r.x1, r.y1, r.x2, r.y2};
    for (int k = 0; k < 4; ++k) out.write(4 * (image * most + place) + k, corner[k]);
  }
};

/// Proposals of all images, as dcs::propose chooses them: boxes [images][most][4], zeros in the remaining places, and the number of boxes of each
/// image; `most` is o.after_nms or o.after_nms_training. An anchor whose objectness is NaN is never chosen. Throws dcs::error for more than 8 levels,
/// or more than 4096 candidates of a level.
template <class T, gpu D>
void propose(D, const rpn_options& o, bool training, std::int64_t images, std::int64_t height, std::int64_t width,
             const std::vector<proposal_level<T>>& levels, arithmetic_t<T>* boxes, std::int32_t* counts) {
  using A = arithmetic_t<T>;
  const std::int64_t before = training ? o.before_nms_training : o.before_nms, most = training ? o.after_nms_training : o.after_nms;
  expect(!levels.empty() && levels.size() <= nms_most_levels, "dcs::propose: ", levels.size(), " levels; expected 1 to ", nms_most_levels);
  expect(before >= 1 && before <= most_candidates && most >= 0, "dcs::propose: ", before, " candidates of a level; expected 1 to ", most_candidates);
  proposal_candidates_kernel<T> candidates{};
  nms_problems& all = candidates.all;
  all.levels = static_cast<int>(levels.size()), all.problems = images * all.levels;
  std::int64_t largest = 0;
  for (std::size_t l = 0; l < levels.size(); ++l) {
    const auto& input = levels[l];
    const std::int64_t anchors = input.height * input.width * anchor_shapes;
    expect(input.height > 0 && input.width > 0 && anchors < std::int64_t{1} << 31, "dcs::propose: level ", l, " has ", input.height, " × ",
           input.width, " places");
    auto& level = candidates.levels[l];
    level.objectness = {input.objectness, images * anchors}, level.deltas = {input.deltas, images * anchors * 4};
    level.anchors = anchors, level.width = input.width, level.stride_y = height / input.height, level.stride_x = width / input.width;
    write_anchor_cell(o.anchors, l, level.cell);
    all.count[l] = static_cast<std::int32_t>(std::min(before, anchors));
    largest = std::max<std::int64_t>(largest, all.count[l]);
  }
  all.stride = ceil_div(largest, std::int64_t{nms_tile}) * nms_tile;
  candidates.sorted = nms_tile;
  while (candidates.sorted < largest) candidates.sorted *= 2;
  const device_scratch<A, D> chosen(all.problems * all.stride * 4), scores(all.problems * all.stride);
  const device_scratch<std::int32_t, D> kept(all.problems * all.stride), kept_count(all.problems);
  candidates.boxes = chosen.span(), candidates.scores = scores.span();
  candidates.height = height, candidates.width = width;
  candidates.smallest = o.smallest_side, candidates.coder = rpn_coder;
  candidates.nan = std::numeric_limits<A>::quiet_NaN(), candidates.infinity = std::numeric_limits<A>::infinity();
  launch(D{}, candidates);
  suppress<A, std::int32_t>(D{}, all, chosen.data(), nullptr, nullptr, o.nms_threshold, kept.data(), all.stride, kept_count.data());
  launch(D{}, proposal_merge_kernel<A>{
                  all, chosen.span(), scores.span(), kept.span(), kept_count.span(), {boxes, images * most * 4}, {counts, images}, most});
}

/// Proposals of every image on the host, as dcs::propose chooses them.
template <class T, gpu D, class... Level>
std::vector<std::vector<box<T>>> propose_all(D, const rpn_options& o, bool training, std::int64_t height, std::int64_t width, const Level&... level) {
  using V = value_t<std::remove_cvref_t<decltype(std::get<0>(std::tie(level...)).objectness)>>;
  using A = arithmetic_t<V>;
  const std::int64_t images = std::get<0>(std::tie(level...)).objectness.sizes()[0], most = training ? o.after_nms_training : o.after_nms;
  const std::vector<proposal_level<V>> levels{
      {value(level.objectness).data(), value(level.deltas).data(), level.objectness.sizes()[1], level.objectness.sizes()[2]}...};
  const device_scratch<A, D> chosen(images * most * 4);
  const device_scratch<std::int32_t, D> counts(images);
  propose(D{}, o, training, images, height, width, levels, chosen.data(), counts.data());
  std::vector<A> corners(static_cast<std::size_t>(images * most * 4));
  std::vector<std::int32_t> found(static_cast<std::size_t>(images));
  D::copy_to_host(corners.data(), chosen.data(), chosen.span().size * static_cast<std::int64_t>(sizeof(A)));
  D::copy_to_host(found.data(), counts.data(), images * static_cast<std::int64_t>(sizeof(std::int32_t)));
  std::vector<std::vector<box<T>>> all(found.size());
  for (std::size_t n = 0; n < found.size(); ++n)
    for (std::int32_t i = 0; i < found[n]; ++i) {
      const A* c = corners.data() + (static_cast<std::int64_t>(n) * most + i) * 4;
      all[n].push_back({static_cast<T>(c[0]), static_cast<T>(c[1]), static_cast<T>(c[2]), static_cast<T>(c[3])});
    }
  return all;
}

}  // namespace dcs::cuda

#include <dcs/core/header_end.inl>
