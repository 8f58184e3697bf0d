// Mask R-CNN's whole prediction as nodes, from one image to its mask and objects. See models::mask_rcnn::network::predict.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/models/mask_rcnn/mask_rcnn.hpp>
#include <dcs/onnx/detection.hpp>
#include <dcs/onnx/paste.hpp>
#include <dcs/onnx/prediction.hpp>

DCS_EXACT_MATH
namespace dcs::onnx {

/// Outputs as those of DCSNet (onnx/dcsnet.hpp).
template <class Backbone, int Width, class Stages>
struct prediction_of<models::mask_rcnn::network<Backbone, Width, Stages>> : prediction_with_objects {
  using network = models::mask_rcnn::network<Backbone, Width, Stages>;

  template <class S>
  static auto values(const network& net, const tensor<float, S, device>& image, const models::mask_rcnn::options& o) {
    const extent_t h = image.sizes()[1], w = image.sizes()[2];
    const auto pyramid = net.detector.features(image);
    const boxes found = detect(net.detector, pyramid, o.detector, h, w);
    const id regions = with_no_box(found.corners);
    const auto maps = eval(sigmoid(net.mask(pool_boxes<network::mask_type::side>(regions, pyramid, h))));
    return results<S>(paste_padded(masks_of(maps), regions, h, w), found, h, w);
  }
};

}  // namespace dcs::onnx

#include <dcs/core/header_end.inl>
