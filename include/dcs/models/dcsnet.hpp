// DCSNet: a detector whose regions are cropped from every level of its pyramid and segmented by a multi-scale head. Each stage is a template argument
// with a concept: backbone (detection_backbone), cropper (region_cropper), aggregator (feature_aggregator). Nothing is registered: a user's struct
// that fits is used like ours.
#pragma once

#include <dcs/detect/faster_rcnn.hpp>
#include <dcs/detect/regions.hpp>
#include <dcs/models/resnet.hpp>
#include <dcs/models/segmentation_head.hpp>

namespace dcs {

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

/// What DCSNet asks of a cropper: the side of its largest crop, whether regions are whole images, and a call from a pyramid of Width channels and
/// RoIs to four crops, each half as wide as the one before. One with DCS_MEMBERS is trained with the network.
template <class C, int Width = 32>
concept region_cropper = requires(const C& c,
                                  const std::tuple<probe<float, shape<1, 16, 16, Width>>, probe<float, shape<1, 8, 8, Width>>,
                                                   probe<float, shape<1, 4, 4, Width>>, probe<float, shape<1, 2, 2, Width>>>& p,
                                  const probe<float, shape<1, 5>>& rois) {
  { C::base } -> std::convertible_to<int>;
  { C::takes_whole_images } -> std::convertible_to<bool>;
  requires std::tuple_size_v<decltype(c(p, rois))>
  == 4;
};

/// What DCSNet asks of an aggregator: a template stage<D, Levels> that attends over tokens, refines a map and fuses four.
template <class A>
concept feature_aggregator = module<typename A::template stage<32, 4>> &&
    requires(const typename A::template stage<32, 4>& a, const probe<float, shape<1, 256, 32>>& tokens,
             const probe<float, shape<1, 64, 64, 32>>& map) {
  {a.attend(tokens)};
  {a.refine(map)};
  {a.fuse(map, map, map, map)};
};

/// The network. Width is d, the channels of pyramid and head.
template <class Backbone, class Cropper = dghc<64>, class Aggregator = msfa<4, 8>, int Width = 256>
struct dcsnet {
  static_assert(region_cropper<Cropper, Width>,
                "dcs::dcsnet: a cropper has base, takes_whole_images and a call from pyramid and RoIs to four crops (concept region_cropper)");
  static_assert(feature_aggregator<Aggregator>,
                "dcs::dcsnet: an aggregator has a stage<D, Levels> with attend, refine and fuse (concept feature_aggregator)");
  using backbone_type = Backbone;
  using cropper_type = Cropper;
  static constexpr int width = Width, base = Cropper::base;

  faster_rcnn<Backbone, Width> detector;
  segmentation_head<Width, Cropper::base, Aggregator> head;
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

  /// Work of one image with `Proposals` boxes through the box head and one RoI through the segmentation head.
  template <extent_t Proposals, class T, class S, class D>
  constexpr void count(const probe<T, S, D>& image) const {
    const auto p = detector.features(image);
    (void)detector.propose_levels(p);
    (void)detector.roi_heads(probe<T, shape<Proposals, box_head<Width>::side, box_head<Width>::side, Width>, D>{image.total});
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

/// Work of a DCSNet on one image of Side × Side, as a constant.
template <class Net, extent_t Side, extent_t Proposals = 1000>
inline constexpr work network_work = [] {
  work total;
  const Net net{};
  net.template count<Proposals>(probe<float, shape<1, Side, Side, 3>>{&total});
  return total;
}();

}  // namespace dcs
