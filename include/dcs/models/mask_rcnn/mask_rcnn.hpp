// Mask R-CNN (He, Gkioxari, Dollár & Girshick 2017, arXiv:1703.06870): Faster R-CNN with a branch that predicts each object's mask. Parameters have
// torchvision's names, so that the files of maskrcnn_resnet50_fpn load. It learns instances: each object has its own mask (dcs::targets::objects).
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/detect/mask_head.hpp>
#include <dcs/models/fpn/fpn.hpp>
#include <dcs/models/mask_rcnn/training.hpp>
#include <dcs/models/resnet/resnet.hpp>

DCS_EXACT_MATH
namespace dcs::models::mask_rcnn {

/// The detector's stages, to derive from (detect/stages.hpp).
struct stages : detector_stages {
  template <int Width, int C2, int C3, int C4, int C5>
  using pyramid = dcs::fpn<Width, C2, C3, C4, C5>;
};

/// The network: a backbone (detection_backbone), and a pyramid and heads of Width channels. 43,922,395 parameters with ResNet-50 at the defaults; all
/// of the backbone is trained, with frozen norms too.
template <class Backbone, int Width = 256, class Stages = stages>
struct network {
  using options = mask_rcnn::options;
  using backbone_type = Backbone;
  using mask_type = mask_head<Width>;
  static constexpr bool native_targets = true;
  static constexpr auto loss_terms = loss_names;
  static constexpr std::array count_names{"regions"};

  faster_rcnn<Backbone, Width, Stages> detector;
  mask_type mask;
  DCS_MEMBERS_AS((detector, ""), (mask, "roi_heads"))

  constexpr network() {
    if constexpr (requires(Backbone & b) { b.conv1.weight.set_trained(true); }) detector.body.conv1.weight.set_trained(true);
  }

  /// Classifier, box, objectness, RPN box and mask: in training mode for a var, in evaluation mode for a tensor.
  template <operand X, class B, class D>
  loss::terms<X, loss_names.size(), 1> losses(const X& images, const targets<B, D>& known, const options& o, random_stream random) const {
    if constexpr (any_var_v<X>)
      return training_losses(*this, images, known, o, random);
    else
      return validation_losses(*this, images, known, o);
  }
  /// Losses and predictions of validation images; the detector runs once for both.
  template <class T, class B, class D>
  std::pair<loss::terms<tensor<T, image_shape, D>, loss_names.size(), 1>, std::vector<prediction>> losses_and_predictions(
      const tensor<T, image_shape, D>& images, const targets<B, D>& known, const options& o) const {
    std::vector<prediction> found;
    auto terms = validation_losses(*this, images, known, o, &found);
    return {std::move(terms), std::move(found)};
  }
  template <class T, class D>
  std::vector<prediction> predict(const tensor<T, image_shape, D>& images, const options& o) const {
    const extent_t h = images.sizes()[1], w = images.sizes()[2];
    const auto pyramid = detector.features(images);
    return segment_objects(*this, pyramid, detector.template detect<compute_type<T>>(pyramid, h, w, o.detector), h, w);
  }
  /// The same inside given boxes, of each image its list.
  template <class T, class D>
  std::vector<prediction> predict(const tensor<T, image_shape, D>& images, const options&, const std::vector<std::vector<box<float>>>& boxes) const {
    std::vector<std::vector<detection<float>>> certain;
    for (const auto& image : boxes) {
      certain.emplace_back();
      for (const auto& b : image) certain.back().push_back({b, 1});
    }
    return segment_objects(*this, detector.features(images), certain, images.sizes()[1], images.sizes()[2]);
  }

  /// What ImageNet weights are loaded into.
  Backbone& encoder() { return detector.body; }

  /// Applies every layer once to an image, one box and one region: what a summary lists.
  template <class T, class D>
  void run_layers(const tensor<T, image_shape, D>& image) const {
    const auto side = static_cast<float>(image.sizes()[1]);
    const std::vector<std::vector<box<float>>> boxes{{{0, 0, side / 4, side / 4}}};
    const auto pyramid = detector.features(image);
    (void)detector.propose_levels(pyramid);
    (void)detector.roi_heads(pool_boxes<decltype(detector)::box_type::side>(boxes, pyramid, image.sizes()[1]));
    (void)mask.all_classes(pool_boxes<mask_type::side>(boxes, pyramid, image.sizes()[1]));
  }

  /// Work of one image with `Proposals` boxes through the box head and `Detections` of them through the mask head.
  template <extent_t Proposals, extent_t Detections = 100, class T, class S, class D>
  constexpr void count(const probe<T, S, D>& image) const {
    const auto p = detector.features(image);
    (void)detector.propose_levels(p);
    constexpr int side = faster_rcnn<Backbone, Width, Stages>::box_type::side;
    (void)detector.roi_heads(probe<T, shape<Proposals, side, side, Width>, D>{image.total});
    (void)mask.all_classes(probe<T, shape<Detections, mask_type::side, mask_type::side, Width>, D>{image.total});
  }
};

}  // namespace dcs::models::mask_rcnn

namespace dcs {
template <class Backbone, int Width = 256, class Stages = models::mask_rcnn::stages>
using mask_rcnn = models::mask_rcnn::network<Backbone, Width, Stages>;
}  // namespace dcs

#include <dcs/core/header_end.inl>
