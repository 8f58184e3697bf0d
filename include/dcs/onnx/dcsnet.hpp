// DCSNet's whole prediction as nodes: pyramid, proposals, detections, crops, segmentation and pasting, from one image to its mask and objects. See
// models::dcsnet::predictions, whose order this follows.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/models/dcsnet/dcsnet.hpp>
#include <dcs/onnx/detection.hpp>
#include <dcs/onnx/prediction.hpp>

DCS_EXACT_MATH
namespace dcs::onnx {

/// Outputs: `probability`, shape<1, Height, Width, 1>; `boxes`, shape<detection, 4> (x1, y1, x2, y2 in pixels) with `scores`, shape<detection>, by
/// falling score. Without any object there are 0 boxes, and every probability is 0.
template <class Backbone, class Cropper, class Aggregator, int Width, class Stages>
struct prediction_of<models::dcsnet::network<Backbone, Cropper, Aggregator, Width, Stages>> {
  using network = models::dcsnet::network<Backbone, Cropper, Aggregator, Width, Stages>;
  static constexpr bool takes_batches = false;
  static std::vector<std::string> outputs() { return {"probability", "boxes", "scores"}; }

  template <class S>
  static auto values(const network& net, const tensor<float, S, device>& image, const models::dcsnet::options& o) {
    auto& g = tracing::now().graph;
    const extent_t h = image.sizes()[1], w = image.sizes()[2];
    const auto pyramid = net.detector.features(image);
    const boxes found = objects(g, net, pyramid, o, h, w);
    const id regions = with_no_box(found.corners);
    const auto logits = net.segment(pyramid, rois_of<dyn<"roi">>(regions), false).main;
    const id maps = value_of(eval(sigmoid(logits)));
    const id probability = paste(g.reshape(maps, {g.extents(maps)[0], network::base, network::base}), regions, h, w);
    const extent_t n = g.extents(found.scores)[0];
    return std::tuple(tensor_of<shape<extent_of<S, 0>, extent_of<S, 1>, extent_of<S, 2>, 1>>(probability, {1, h, w, 1}),
                      tensor_of<shape<dyn<"detection">, 4>>(found.corners, {n, 4}), tensor_of<shape<dyn<"detection">>>(found.scores, {n}));
  }

 private:
  template <class Pyramid>
  static boxes objects(graph& g, const network& net, const Pyramid& pyramid, const models::dcsnet::options& o, extent_t h, extent_t w) {
    if constexpr (Cropper::takes_whole_images) {
      return {g.constant<float>(element::f32, {1, 4}, {0, 0, static_cast<float>(w), static_cast<float>(h)}),
              g.constant<float>(element::f32, {1}, {1})};
    } else {
      using box_type = typename decltype(net.detector)::box_type;
      const auto proposals = std::apply([&](const auto&... l) { return propose(o.detector.rpn, h, w, l...); }, net.detector.propose_levels(pyramid));
      const auto pooled = pool_boxes<box_type::side>(proposals.corners, pyramid, h);
      return detections_of(o.detector.box, proposals.corners, net.detector.roi_heads(pooled), h, w);
    }
  }
};

}  // namespace dcs::onnx

#include <dcs/core/header_end.inl>
