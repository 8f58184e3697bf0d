// Regions to train on, chosen and jittered on the device in arrays of fixed sizes; the host waits for nothing. Rules, formulas and random numbers are
// those of regions.hpp. In the first kernel a block chooses the regions of an image; in the second a thread jitters one region.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/detect/matcher.cuh>
#include <dcs/models/dcsnet/regions.hpp>

DCS_EXACT_MATH
namespace dcs::models::dcsnet {

/// choose_regions for each image with random.child(image): indices into cuda::proposals_and_truth, -1 after the last. A block has one image.
template <class A>
struct choose_regions_kernel {
  static constexpr const char* name = "choose_regions";
  static constexpr int threads = cuda::detail::select_threads;
  cuda::proposals_and_truth<A> boxes;
  cuda::device_span<const std::int32_t> matched;  // [images][proposals.most], by positive_iou
  cuda::device_span<std::int64_t> chosen;         // [images][most]
  std::int64_t most;
  bool ground_truth_only;
  random_stream random;

  std::int64_t blocks() const { return chosen.size / most; }
  static constexpr std::int64_t shared_bytes() { return cuda::detail::select_shared_bytes; }

  template <class Block>
  DCS_DEVICE void operator()(Block& b) const {
    const cuda::detail::select_memory<Block> memory(b);
    const std::int64_t image = b.block(), proposals = boxes.proposals.count(b, image), truth = boxes.truth.count(b, image);
    const auto match = b.global(matched, "matches");
    const auto out = b.global(chosen, "regions");
    const random_stream of_proposals = cuda::with_shift(b, random).child(static_cast<std::uint64_t>(image)), of_truth = of_proposals.child(1);
    const auto true_box = cuda::detail::select_smallest(b, memory, truth, truth, most, [&](std::int64_t i, std::uint64_t& key) {
      key = cuda::detail::drawn_key(of_truth, i);
      return true;
    });
    std::int64_t taken = cuda::detail::list_chosen(
        b, memory, truth, [&](std::int64_t i) { return true_box.all || true_box.has(cuda::detail::drawn_key(of_truth, i)); },
        [&](std::int64_t place, std::int64_t i) { out.write(image * most + place, proposals + i); });
    if (!ground_truth_only) {
      const auto is_positive = [&](std::int64_t i) { return match.read(image * boxes.proposals.most + i) >= 0; };
      const std::int64_t positives = cuda::detail::count_chosen(b, memory, proposals, is_positive);
      const auto proposal = cuda::detail::select_smallest(b, memory, proposals, positives, most - taken, [&](std::int64_t i, std::uint64_t& key) {
        if (!is_positive(i)) return false;
        key = cuda::detail::drawn_key(of_proposals, i);
        return true;
      });
      taken += cuda::detail::list_chosen(
          b, memory, proposals,
          [&](std::int64_t i) { return is_positive(i) && (proposal.all || proposal.has(cuda::detail::drawn_key(of_proposals, i))); },
          [&](std::int64_t place, std::int64_t i) { out.write(image * most + taken + place, i); });
    }
    for (std::int64_t i = taken + b.thread(); i < most; i += threads) out.write(image * most + i, -1);
  }
};

/// jitter of each region k of image i with random.child(i).child(k), as a RoI, and 1 in the mask; for padding the RoI (0, 0, 1, 1), and 0 in the
/// mask.
template <class A>
struct jitter_regions_kernel {
  static constexpr const char* name = "jitter_regions";
  static constexpr int threads = 64;
  cuda::proposals_and_truth<A> boxes;
  cuda::device_span<const std::int64_t> chosen;  // [images][options.most]
  cuda::device_span<A> rois, mask;               // [images][options.most][5], [images][options.most]
  region_options options;
  std::int64_t height, width;
  random_stream random;

  std::int64_t blocks() const { return cuda::ceil_div(chosen.size, std::int64_t{threads}); }
  static constexpr std::int64_t shared_bytes() { return 0; }

  template <class Block>
  DCS_DEVICE void operator()(Block& b) const {
    if (b.index() >= chosen.size) return;
    const std::int64_t image = b.index() / options.most, k = b.index() % options.most, i = b.global(chosen, "regions").read(b.index());
    box<A> r{0, 0, 1, 1};
    if (i >= 0)
      r = jitter(options, boxes.read(b, image, i), height, width,
                 cuda::with_shift(b, random).child(static_cast<std::uint64_t>(image)).child(static_cast<std::uint64_t>(k)));
    const A roi[5] = {static_cast<A>(image), r.x1, r.y1, r.x2, r.y2};
    const auto out = b.global(rois, "RoIs");
    for (int c = 0; c < 5; ++c) out.write(5 * b.index() + c, roi[c]);
    b.global(mask, "mask").write(b.index(), i < 0 ? A(0) : A(1));
  }
};

/// Regions of all images, options.most of each: RoIs, and a mask that is 1 for valid regions and 0 for padding.
template <class A, class D>
struct masked_regions {
  tensor<A, shape<dyn<"roi">, 5>, D> rois;
  tensor<A, shape<dyn<"roi">>, D> mask;
};

/// The regions that dcs::choose_regions chooses with choice.child(i) of image i, jittered with noise.child(i).child(k).
template <class A, cuda::gpu D>
masked_regions<A, D> regions(D, const region_options& o, std::int64_t images, std::int64_t height, std::int64_t width,
                             const cuda::proposals_and_truth<A>& boxes, random_stream choice, random_stream noise) {
  expect(o.most >= 1, "dcs::regions: at most ", o.most, " regions of an image; expected at least 1");
  const std::int64_t n = images * o.most;
  const cuda::device_scratch<std::int32_t, D> matched(images * boxes.proposals.most);
  const cuda::device_scratch<std::int64_t, D> chosen(n);
  cuda::match_boxes(D{}, images, boxes.proposals, boxes.proposals.most, boxes.truth, o.positive_iou, o.positive_iou, false, matched.data());
  cuda::launch(D{}, choose_regions_kernel<A>{boxes, matched.span(), chosen.span(), o.most, o.ground_truth_only, choice});
  masked_regions<A, D> r{tensor<A, shape<dyn<"roi">, 5>, D>::empty({n, 5}), tensor<A, shape<dyn<"roi">>, D>::empty({n})};
  cuda::launch(D{}, jitter_regions_kernel<A>{boxes, chosen.span(), {r.rois.data(), r.rois.size()}, {r.mask.data(), n}, o, height, width, noise});
  return r;
}

}  // namespace dcs::models::dcsnet

#include <dcs/core/header_end.inl>
