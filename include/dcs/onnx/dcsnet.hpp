// DCSNet's whole prediction as nodes: pyramid, proposals, detections, crops, segmentation and pasting, from one image to its mask and objects. See
// models::dcsnet::predictions, whose order this follows.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/models/dcsnet/dcsnet.hpp>
#include <dcs/onnx/detection.hpp>
#include <dcs/onnx/paste.hpp>
#include <dcs/onnx/prediction.hpp>

DCS_EXACT_MATH
namespace dcs::onnx {

/// Outputs: `probability`, shape<1, Height, Width, 1>; `boxes`, shape<detection, 4> (x1, y1, x2, y2 in pixels) with `scores`, shape<detection>, by
/// falling score. Without any object there are 0 boxes, and every probability is 0.
template <class Backbone, class Cropper, class Aggregator, int Width, class Stages>
struct prediction_of<models::dcsnet::network<Backbone, Cropper, Aggregator, Width, Stages>> : prediction_with_objects {
  using network = models::dcsnet::network<Backbone, Cropper, Aggregator, Width, Stages>;

  template <class S>
  static auto values(const network& net, const tensor<float, S, device>& image, const models::dcsnet::options& o) {
    const extent_t h = image.sizes()[1], w = image.sizes()[2];
    const auto pyramid = net.detector.features(image);
    const boxes found = objects(net, pyramid, o, h, w);
    const id regions = with_no_box(found.corners);
    const auto maps = eval(sigmoid(net.segment(pyramid, rois_of<dyn<"roi">>(regions), false).main));
    return results<S>(paste(masks_of(maps), regions, h, w), found, h, w);
  }

 private:
  template <class Pyramid>
  static boxes objects(const network& net, const Pyramid& pyramid, const models::dcsnet::options& o, extent_t h, extent_t w) {
    if constexpr (Cropper::takes_whole_images) {
      auto& g = tracing::now().graph;
      return {g.constant<float>(element::f32, {1, 4}, {0, 0, static_cast<float>(w), static_cast<float>(h)}),
              g.constant<float>(element::f32, {1}, {1})};
    } else {
      return detect(net.detector, pyramid, o.detector, h, w);
    }
  }
};

}  // namespace dcs::onnx

#include <dcs/core/header_end.inl>
