// Faster R-CNN over a backbone with a pyramid (Ren et al. 2015; Lin et al. 2017), for one object class; DCSNet crops its regions at the boxes that it
// finds. Backbone, pyramid, RPN head and box head may be a user's own: detect/stages.hpp states the requirements of each.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/detect/box_head.hpp>
#include <dcs/detect/rpn.hpp>
#include <dcs/detect/stages.hpp>
#include <dcs/nn/options.hpp>

DCS_EXACT_MATH
namespace dcs {

/// Options of both stages.
struct detector_options {
  rpn_options rpn{};
  box_head_options box{};
  friend bool operator==(const detector_options&, const detector_options&) = default;

  /// Makes samplers take every candidate, for validation and for comparison with a reference.
  void take_everything() {
    rpn.sampler = box_sampler::everything(0.5);
    box.sampler = box_sampler::everything(0.25);
  }
  static detector_options everything() {
    detector_options o;
    o.take_everything();
    return o;
  }
  /// The options of a detector that a network's users may choose, for its own list of fields.
  template <class Self, class Field>
  static void fields(Self& o, Field&& field) {
    field("box_samples", o.box.sampler.size, bounds{4, 2000}, "boxes of an image that the box head learns from in a step");
    field(
        "anchors", o.rpn.anchors.scales, bounds{1.0, 4096.0},
        "scales of the anchors of P2 to P6, pixels at the training size; auto: P2's is the lower quartile of the sides of the training set's boxes, "
        "and each level doubles it",
        chosen_from_boxes{&anchor_scales_for});
  }
};

/// The four losses of a detector, each shape<>, with its proposals and the boxes that it sampled.
template <class T, class X>
struct detector_result {
  X classifier, box, objectness, rpn_box;
  std::vector<std::vector<dcs::box<T>>> proposals;
  box_targets<T> sampled;  // the boxes that the box head's losses are over
  X total() const { return eval(classifier + box + objectness + rpn_box); }
};

/// The detector: a backbone, and Stages' pyramid, RPN head and box head of Width channels.
template <class Backbone, int Width, class Stages>
struct faster_rcnn {
  static_assert(checked<detail::backbone_contract<Backbone>>);
  using pyramid_type =
      typename Stages::template pyramid<Width, Backbone::channels[0], Backbone::channels[1], Backbone::channels[2], Backbone::channels[3]>;
  using rpn_type = typename Stages::template rpn<Width>;
  using box_type = typename Stages::template box<Width>;
  static_assert(checked<detail::pyramid_contract<pyramid_type, Width, Backbone::channels[0], Backbone::channels[1], Backbone::channels[2],
                                                 Backbone::channels[3]>>);
  static_assert(checked<detail::rpn_contract<rpn_type, Width>>);
  static_assert(checked<detail::box_contract<box_type, Width>>);

  Backbone body;
  pyramid_type pyramid;
  rpn_type rpn;
  box_type roi_heads;
  DCS_MEMBERS_AS((body, "backbone.body"), (pyramid, "backbone.fpn"), (rpn, "rpn.head"), (roi_heads, "roi_heads"))

  /// P2..P6 of images, shape<N, H, W, 3>.
  template <operand X>
  constexpr auto features(const X& images) const {
    return pyramid(body(images));
  }
  /// The RPN head on every level.
  template <class Pyramid>
  constexpr auto propose_levels(const Pyramid& p) const {
    return std::tuple(rpn(std::get<0>(p)), rpn(std::get<1>(p)), rpn(std::get<2>(p)), rpn(std::get<3>(p)), rpn(std::get<4>(p)));
  }

  /// Proposals of every image.
  template <class T, class Levels>
  static std::vector<std::vector<box<T>>> proposals(const rpn_options& o, bool training, extent_t height, extent_t width, const Levels& levels) {
    using D = device_t<decltype(std::get<0>(levels).objectness)>;
    return std::apply([&](const auto&... l) { return propose_all<T>(D{}, o, training, height, width, l...); }, levels);
  }

  /// The detector's losses on a pyramid. `training`: whether the number of proposals is that of training, as in torchvision. Throws dcs::error unless
  /// every image has its list of ground truth (which may be empty) and every box a positive width and height.
  template <class T, class Pyramid>
  auto losses(const Pyramid& p, extent_t height, extent_t width, const std::vector<std::vector<box<T>>>& truth, const detector_options& o,
              random_stream random, bool training = true) const {
    const auto levels = propose_levels(p);
    return losses_of_levels(p, levels, proposals<T>(o.rpn, training, height, width, levels), height, width, truth, o, random);
  }
  /// Final detections of every image.
  template <class T, class Pyramid>
  std::vector<std::vector<detection<T>>> detect(const Pyramid& p, extent_t height, extent_t width, const detector_options& o) const {
    return detect_among(p, proposals<T>(o.rpn, false, height, width, propose_levels(p)), height, width, o);
  }

  /// The losses from the outputs of the RPN's head on the levels, and its proposals.
  template <class T, class Pyramid, class Levels>
  auto losses_of_levels(const Pyramid& p, const Levels& levels, std::vector<std::vector<box<T>>> found, extent_t height, extent_t width,
                        const std::vector<std::vector<box<T>>>& truth, const detector_options& o, random_stream random) const {
    const extent_t images = std::get<0>(p).sizes()[0];
    expect(static_cast<extent_t>(truth.size()) == images, "dcs::faster_rcnn: ground truth of ", truth.size(), " images; expected ", images);
    for (std::size_t n = 0; n < truth.size(); ++n)
      for (const auto& b : truth[n])
        expect(b.width() > 0 && b.height() > 0, "dcs::faster_rcnn: a true box of image ", n, " is ", b.width(), " wide and ", b.height(),
               " high; expected both positive");
    const auto first = std::apply(
        [&](const auto&... l) { return rpn_loss(o.rpn, make_anchors<T>(o.rpn.anchors, height, width, l...), truth, random.child(1), l...); }, levels);
    auto targets = sample_boxes(o.box, found, truth, random.child(2));
    const auto second = box_loss(targets, roi_heads(pool_boxes<box_type::side>(targets.boxes, p, height)));
    return detector_result<T, std::remove_cvref_t<decltype(first.box)>>{second.classifier, second.box,       first.objectness,
                                                                        first.box,         std::move(found), std::move(targets)};
  }
  /// The final detections, from the proposals.
  template <class T, class Pyramid>
  std::vector<std::vector<detection<T>>> detect_among(const Pyramid& p, const std::vector<std::vector<box<T>>>& found, extent_t height,
                                                      extent_t width, const detector_options& o) const {
    const auto on_device = roi_heads(pool_boxes<box_type::side>(found, p, height));
    const auto scores = to<cpu_device>(value(on_device.scores));
    const auto deltas = to<cpu_device>(value(on_device.deltas));
    const box_predictions<std::remove_const_t<decltype(scores)>, std::remove_const_t<decltype(deltas)>> predictions{scores, deltas};
    std::vector<std::vector<detection<T>>> out;
    extent_t first = 0;
    for (const auto& image : found) {
      out.push_back(detections_of(o.box, image, first, predictions, height, width));
      first += static_cast<extent_t>(image.size());
    }
    return out;
  }
};

}  // namespace dcs

#include <dcs/core/header_end.inl>
