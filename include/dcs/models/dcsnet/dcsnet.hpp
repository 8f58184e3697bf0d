// DCSNet: a detector whose regions are cropped from every level of its pyramid and segmented by a multi-scale head. Each stage is a template argument
// with a concept: backbone (detection_backbone), cropper (region_cropper), aggregator (feature_aggregator), and the others together as one struct of
// aliases (stages). Nothing is registered: a user's struct that models the concept is used like the library's own.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/models/dcsnet/segmentation_head.hpp>
#include <dcs/models/dcsnet/training.hpp>
#include <dcs/models/resnet/resnet.hpp>

DCS_EXACT_MATH
namespace dcs::models::dcsnet {

/// Detection-guided hierarchical cropping: regions are boxes of objects, Base × Base from P2 and half of that from each level above. Jittered in
/// training.
template <int Base = 64>
struct dghc {
  static constexpr int base = Base;
  static constexpr bool takes_whole_images = false;
  /// Crops of P2..P5 for rois of shape<K, 5>.
  template <class Pyramid, class Rois>
  constexpr auto operator()(const Pyramid& pyramid, const Rois& rois) const {
    return roi_align_pyramid<Base, Base / 2, Base / 4, Base / 8>(pyramid, rois, {4, 8, 16, 32});
  }
};

/// Table 5 without DGHC: one region, the whole image.
template <int Base = 64>
struct whole_image : dghc<Base> {
  static constexpr bool takes_whole_images = true;
};

/// The network. Width is d, the channels of pyramid and head; Stages is stages or derived from it.
template <class Backbone, class Cropper = dghc<64>, class Aggregator = msfa<4, 8>, int Width = 256, class Stages = stages>
struct network {
  static_assert(checked<contracts::cropper<Cropper, Width>>);
  using backbone_type = Backbone;
  using cropper_type = Cropper;
  using options = dcsnet::options;
  static constexpr int width = Width, base = Cropper::base;
  static constexpr bool native_targets = true;
  static constexpr auto loss_terms = loss_names;
  static constexpr std::array count_names{"regions"};

  faster_rcnn<Backbone, Width, Stages> detector;
  segmentation_head<Width, Cropper::base, Aggregator, Stages> head;
  [[no_unique_address]] Cropper cropper;

  template <class Visit>
  constexpr void members(Visit&& visit) {
    walk(*this, visit);
  }
  template <class Visit>
  constexpr void members(Visit&& visit) const {
    walk(*this, visit);
  }

  /// Logits for RoIs (shape<roi, 5>) on a pyramid.
  template <class Pyramid, class Rois, class Trace = no_trace>
  constexpr auto segment(const Pyramid& pyramid, const Rois& rois, bool edges = true, const Trace& trace = {}) const {
    return head(cropper(pyramid, rois), edges, trace);
  }

  /// The weighted terms of eq. 11 and the detector's losses (training.hpp): in training mode for a var, in evaluation mode for a tensor.
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
    return predictions(*this, images, o);
  }
  /// Predictions inside `boxes`, a list for each image.
  template <class T, class D>
  std::vector<prediction> predict(const tensor<T, image_shape, D>& images, const options& o,
                                  const std::vector<std::vector<box<float>>>& boxes) const {
    return predictions(*this, images, o, &boxes);
  }

  /// The part of the network that ImageNet weights are loaded into.
  Backbone& encoder() { return detector.body; }

  /// Applies every layer once, to an image, one box and one region, for a summary.
  template <class T, class D>
  void run_layers(const tensor<T, image_shape, D>& image) const {
    const auto side = static_cast<float>(image.sizes()[1]);
    const std::vector<std::vector<box<float>>> boxes{{{0, 0, side / 4, side / 4}}};
    const auto pyramid = detector.features(image);
    (void)detector.propose_levels(pyramid);
    (void)detector.roi_heads(pool_boxes<decltype(detector)::box_type::side>(boxes, pyramid, image.sizes()[1]));
    (void)segment(pyramid, make_rois<dyn<"roi">, D>(boxes));
  }

  /// Work of one image with `Proposals` boxes through the box head and one RoI through the segmentation head.
  template <extent_t Proposals, class T, class S, class D>
  constexpr void count(const probe<T, S, D>& image) const {
    const auto p = detector.features(image);
    (void)detector.propose_levels(p);
    constexpr int side = faster_rcnn<Backbone, Width, Stages>::box_type::side;
    (void)detector.roi_heads(probe<T, shape<Proposals, side, side, Width>, D>{image.total});
    (void)segment(p, probe<T, shape<1, 5>, D>{image.total});
  }

 private:
  template <class Self, class Visit>
  static constexpr void walk(Self& self, Visit& visit) {
    visit("detector", self.detector);
    visit("head", self.head);
    if constexpr (module<Cropper>) visit("cropper", self.cropper);
  }
};

}  // namespace dcs::models::dcsnet

namespace dcs {

/// The network under a short name, with which variants are written.
template <class Backbone, class Cropper = models::dcsnet::dghc<64>, class Aggregator = models::dcsnet::msfa<4, 8>, int Width = 256,
          class Stages = models::dcsnet::stages>
using dcsnet = models::dcsnet::network<Backbone, Cropper, Aggregator, Width, Stages>;

/// Work of a DCSNet on one image of Side × Side, as a constant.
template <class Net, extent_t Side, extent_t Proposals = 1000>
inline constexpr work network_work = [] {
  work total;
  const Net net{};
  net.template count<Proposals>(probe<float, shape<1, Side, Side, 3>>{&total});
  return total;
}();

}  // namespace dcs

#include <dcs/core/header_end.inl>
