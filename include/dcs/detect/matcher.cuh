// Matching and sampling on the device, with arrays of fixed sizes; the host waits for nothing. The rules are those of matcher.hpp, so that the same
// random stream chooses the same boxes. Three launches for all images: the highest overlap of every true box (a block has one of them), the match of
// every box (a thread has one), and the sample (a block has an image, and selects by the boxes' own random numbers). The boxes to match are a functor
// that returns those of an image: the RPN's anchors, which are computed and not stored, or proposals followed by the true boxes. All kernels compute
// overlaps with the same bits as the host (iou in core/box.hpp).
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/cuda/device.hpp>
#include <dcs/detect/matcher.hpp>
#include <dcs/detect/select.cuh>

DCS_EXACT_MATH
namespace dcs::cuda {

/// The boxes of several images in arrays of fixed sizes: [images][most][4] corners, and the number of boxes of each image. Entries from that number
/// on are padding, whose values have no meaning.
template <class A>
struct padded_boxes {
  device_span<const A> corners;
  device_span<const std::int32_t> counts;
  std::int64_t most = 0;

  template <class Block>
  DCS_DEVICE std::int64_t count(Block& b, std::int64_t image) const {
    return b.global(counts, "numbers of boxes").read(image);
  }
  template <class Block>
  DCS_DEVICE box<A> read(Block& b, std::int64_t image, std::int64_t i) const {
    const auto in = b.global(corners, "boxes");
    const std::int64_t at = 4 * (image * most + i);
    return {in.read(at), in.read(at + 1), in.read(at + 2), in.read(at + 3)};
  }
};

/// The proposals of an image followed by its true boxes, as in dcs::sample_boxes.
template <class A>
struct proposals_and_truth {
  padded_boxes<A> proposals, truth;

  DCS_DEVICE std::int64_t most() const { return proposals.most + truth.most; }
  template <class Block>
  DCS_DEVICE std::int64_t count(Block& b, std::int64_t image) const {
    return proposals.count(b, image) + truth.count(b, image);
  }
  template <class Block>
  DCS_DEVICE box<A> read(Block& b, std::int64_t image, std::int64_t i) const {
    const std::int64_t n = proposals.count(b, image);
    return i < n ? proposals.read(b, image, i) : truth.read(b, image, i - n);
  }
};

/// The highest overlap of each true box with any box. A block has one true box.
template <class A, class Boxes>
struct truth_overlaps_kernel {
  static constexpr const char* name = "truth_overlaps";
  static constexpr int threads = 256;
  Boxes boxes;
  padded_boxes<A> truth;
  device_span<A> top;  // [images][truth.most]

  std::int64_t blocks() const { return top.size; }
  static constexpr std::int64_t shared_bytes() { return threads / warp_size * static_cast<std::int64_t>(sizeof(A)); }

  template <class Block>
  DCS_DEVICE void operator()(Block& b) const {
    const auto warps = b.template shared<A>(threads / warp_size, "maxima of warps");
    const std::int64_t image = b.block() / truth.most, g = b.block() % truth.most;
    if (g >= truth.count(b, image)) return;
    const auto t = truth.read(b, image, g);
    const std::int64_t n = boxes.count(b, image);
    A best = 0;
    for (std::int64_t i = b.thread(); i < n; i += threads) {
      const A overlap = iou(t, boxes.read(b, image, i));
      best = overlap > best ? overlap : best;
    }
    best = warp_max(b, best);
    if (b.lane() == 0) warps.write(b.warp(), best);
    b.barrier();
    if (b.thread() != 0) return;
    for (int w = 0; w < b.warps(); ++w) best = warps.read(w) > best ? warps.read(w) : best;
    b.global(top, "highest overlaps").write(b.block(), best);
  }
};

/// dcs::match: for each box the index of its true box, `background` or `undecided`; `undecided` for padding. A thread has one box.
template <class A, class Boxes>
struct match_boxes_kernel {
  static constexpr const char* name = "match_boxes";
  static constexpr int threads = 256;
  Boxes boxes;
  padded_boxes<A> truth;
  device_span<const A> top;  // null: keep_low_quality is off
  device_span<std::int32_t> matched;
  std::int64_t most;
  A high, low;

  std::int64_t blocks() const { return ceil_div(matched.size, std::int64_t{threads}); }
  static constexpr std::int64_t shared_bytes() { return 0; }

  template <class Block>
  DCS_DEVICE void operator()(Block& b) const {
    if (b.index() >= matched.size) return;
    const std::int64_t image = b.index() / most, i = b.index() % most, n = truth.count(b, image);
    std::int32_t result = undecided;
    if (i < boxes.count(b, image)) {
      const auto own = boxes.read(b, image, i);
      const auto tops = b.global(top, "highest overlaps");
      A best = -1;
      std::int32_t at = 0;
      bool kept = false;
      for (std::int64_t g = 0; g < n; ++g) {
        const A overlap = iou(truth.read(b, image, g), own);
        if (overlap > best) best = overlap, at = static_cast<std::int32_t>(g);
        if (top && overlap == tops.read(image * truth.most + g)) kept = true;
      }
      result = n == 0 || (best < low && !kept) ? background : best < high && !kept ? undecided : at;
    }
    b.global(matched, "matches").write(b.index(), result);
  }
};

/// box_sampler::draw for each image: the indices of the boxes in its sample, in ascending order; -1 after the last. A block has one image.
struct sample_boxes_kernel {
  static constexpr const char* name = "sample_boxes";
  static constexpr int threads = detail::select_threads;
  device_span<const std::int32_t> matched;  // [images][most]
  device_span<std::int64_t> sample;         // [images][size]
  std::int64_t most, size, most_positive;
  random_stream random;

  std::int64_t blocks() const { return sample.size / size; }
  static constexpr std::int64_t shared_bytes() { return detail::select_shared_bytes; }

  template <class Block>
  DCS_DEVICE void operator()(Block& b) const {
    const detail::select_memory<Block> memory(b);
    const std::int64_t image = b.block(), begin = image * most;
    const auto match = b.global(matched, "matches");
    const auto is_positive = [&](std::int64_t i) { return match.read(begin + i) >= 0; };
    const auto is_negative = [&](std::int64_t i) { return match.read(begin + i) == background; };
    const std::int64_t positives = detail::count_chosen(b, memory, most, is_positive), negatives = detail::count_chosen(b, memory, most, is_negative);
    const random_stream of_image = with_shift(b, random).child(static_cast<std::uint64_t>(image)), of_positives = of_image.child(1),
                        of_negatives = of_image.child(2);
    const auto positive = detail::select_smallest(b, memory, most, positives, most_positive, [&](std::int64_t i, std::uint64_t& key) {
      if (!is_positive(i)) return false;
      key = detail::drawn_key(of_positives, i);
      return true;
    });
    const std::int64_t rest = size - (positives < most_positive ? positives : most_positive);
    const auto negative = detail::select_smallest(b, memory, most, negatives, rest, [&](std::int64_t i, std::uint64_t& key) {
      if (!is_negative(i)) return false;
      key = detail::drawn_key(of_negatives, i);
      return true;
    });
    const auto chosen = [&](std::int64_t i) {
      if (is_positive(i)) return positive.all || positive.has(detail::drawn_key(of_positives, i));
      return is_negative(i) && (negative.all || negative.has(detail::drawn_key(of_negatives, i)));
    };
    const auto out = b.global(sample, "sample");
    const std::int64_t all =
        detail::list_chosen(b, memory, most, chosen, [&](std::int64_t place, std::int64_t i) { out.write(image * size + place, i); });
    for (std::int64_t i = all + b.thread(); i < size; i += threads) out.write(image * size + i, -1);
  }
};

/// The matches of `most` boxes of each image, by the rules of dcs::match. matched: [images][most].
template <class A, class Boxes, gpu D>
void match_boxes(D, std::int64_t images, const Boxes& boxes, std::int64_t most, const padded_boxes<A>& truth, double high, double low,
                 bool keep_low_quality, std::int32_t* matched) {
  const device_scratch<A, D> top(keep_low_quality ? images * truth.most : 0);
  if (keep_low_quality) launch(D{}, truth_overlaps_kernel<A, Boxes>{boxes, truth, top.span()});
  launch(D{}, match_boxes_kernel<A, Boxes>{boxes,
                                           truth,
                                           {keep_low_quality ? top.data() : nullptr, top.span().size},
                                           {matched, images * most},
                                           most,
                                           static_cast<A>(high),
                                           static_cast<A>(low)});
}

/// The sample of each image i, box_sampler::draw with random.child(i). sample: [images][o.size]. Throws dcs::error for a sample of size 0, or more
/// boxes than 32 bits can number.
template <gpu D>
void sample_boxes(D, const box_sampler& o, std::int64_t images, std::int64_t most, const std::int32_t* matched, random_stream random,
                  std::int64_t* sample) {
  expect(o.size >= 1 && most < std::int64_t{1} << 31, "dcs::sample_boxes: ", o.size, " of ", most, " boxes; expected at least 1, of less than 2^31");
  launch(D{}, sample_boxes_kernel{{matched, images * most},
                                  {sample, images * o.size},
                                  most,
                                  o.size,
                                  static_cast<std::int64_t>(static_cast<double>(o.size) * o.positive_fraction),
                                  random});
}

}  // namespace dcs::cuda

#include <dcs/core/header_end.inl>
