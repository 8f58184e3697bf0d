// The detector's losses with arrays of fixed sizes; the host waits for nothing. Proposals, samples and regions stay on the device, and a loss is a
// weighted sum over all entries of a sample, padded ones with weight 0, divided by the sum of weights. Selection and losses are those of
// faster_rcnn::losses.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/data/batch.hpp>
#include <dcs/detect/faster_rcnn.hpp>
#include <dcs/detect/rpn.cuh>
#include <dcs/detect/targets.cuh>

DCS_EXACT_MATH
namespace dcs::cuda {

/// Boxes of images in the memory of a device.
template <class A, class D>
struct box_memory {
  tensor<A, shape<dyn<"batch">, dyn<"box">, 4>, D> corners;
  device_scratch<std::int32_t, D> counts;

  box_memory(extent_t images, extent_t most) : corners(decltype(corners)::zeros({images, most, 4})), counts(images) {
    D::zero(counts.data(), images * static_cast<std::int64_t>(sizeof(std::int32_t)));
  }
  padded_boxes<A> seen() const { return {detail::span_of(corners), counts.span(), corners.sizes()[1]}; }
};

/// The targets of images (dcs::targets) in the memory of a device, with room for a fixed number of true boxes of each.
template <class A, class D>
struct fixed_targets {
  tensor<A, mask_shape, D> masks;
  box_memory<A, D> boxes;
  tensor<A, mask_shape, D> objects;

  fixed_targets(extent_t images, extent_t height, extent_t width, extent_t most_boxes)
      : masks(tensor<A, mask_shape, D>::zeros({images, height, width, 1})),
        boxes(images, most_boxes),
        objects(tensor<A, mask_shape, D>::zeros({images, height, width, 1})) {}
};

/// The four losses of a detector, each shape<>, and its proposals.
template <class A, class D, class X>
struct fixed_detector_result {
  X classifier, box, objectness, rpn_box;
  box_memory<A, D> proposals;
  X total() const { return eval(classifier + box + objectness + rpn_box); }
};

namespace detail {
// Σ weight · x / Σ weight.
template <class X, class Weight, class All>
auto weighted_mean(const X& x, const Weight& weight, const All& all) {
  return eval(sum_all(x * weight) / sum_all(all));
}
}  // namespace detail

/// Losses of detector `net` in training, on a pyramid of images height × width: those of faster_rcnn::losses; NaN where nothing can be sampled. The
/// host checks nothing: the counts of `truth` must not exceed its room, and true boxes must have positive width and height.
template <class Backbone, int Width, class Stages, class Pyramid, class A>
auto fixed_detector_losses(const faster_rcnn<Backbone, Width, Stages>& net, const Pyramid& p, extent_t height, extent_t width,
                           const padded_boxes<A>& truth, const detector_options& o, random_stream random) {
  using Map = std::tuple_element_t<0, Pyramid>;
  using D = device_t<Map>;
  using T = value_t<Map>;
  static_assert(gpu<D>, "dcs::cuda::fixed_detector_losses: the host's sizes are not fixed: faster_rcnn::losses");
  static_assert(std::is_same_v<A, arithmetic_t<T>>, "dcs::cuda::fixed_detector_losses: boxes are of what kernels compute in");
  const extent_t images = std::get<0>(p).sizes()[0];
  const auto levels = net.propose_levels(p);
  box_memory<A, D> proposals(images, o.rpn.after_nms_training);
  return std::apply(
      [&](const auto&... l) {
        propose(
            D{}, o.rpn, true, images, height, width,
            std::vector<proposal_level<T>>{{value(l.objectness).data(), value(l.deltas).data(), l.objectness.sizes()[1], l.objectness.sizes()[2]}...},
            proposals.corners.data(), proposals.counts.data());
        anchor_grid<A> anchors;
        (anchors.add(o.rpn.anchors, l.objectness.sizes()[1], l.objectness.sizes()[2], height, width), ...);
        const auto first = sample_anchors(D{}, o.rpn, images, anchors, truth, random.child(1));
        const auto logits = widened(gather_rows<1>(first.where, l.objectness...));
        const auto objectness = detail::weighted_mean(loss::cross_entropy_map(logits, first.label), first.weight, first.weight);
        const auto moved = widened(gather_rows<4>(first.where, l.deltas...));
        const auto rpn_box = detail::weighted_mean(apply<functions::smooth_l1<9>>(moved - first.target), first.label, first.weight);

        const auto second = sample_proposals(D{}, o.box, images, proposals_and_truth<A>{proposals.seen(), truth}, random.child(2));
        const auto found = net.roi_heads(pool_rois<faster_rcnn<Backbone, Width, Stages>::box_type::side>(second.rois, second.level, p, height));
        const auto scores = widened(found.scores);
        // The cross-entropy of two classes is that of a sigmoid of the difference of their scores.
        const auto difference = eval(slice<1, 1, 1>(scores) - slice<1, 0, 1>(scores));
        const auto classifier = detail::weighted_mean(loss::cross_entropy_map(difference, second.label), second.weight, second.weight);
        const auto refined = eval(slice<1, 4, 4>(widened(found.deltas)));
        const auto box = detail::weighted_mean(apply<functions::smooth_l1<9>>(refined - second.target), second.label, second.weight);
        return fixed_detector_result<A, D, std::remove_cvref_t<decltype(box)>>{classifier, box, objectness, rpn_box, std::move(proposals)};
      },
      levels);
}

}  // namespace dcs::cuda

#include <dcs/core/header_end.inl>
