// The whole prediction of a network as a file: from an image to the probability of every pixel, and the detected objects where the network detects.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/onnx/export.hpp>

DCS_EXACT_MATH
namespace dcs::onnx {

/// What a network predicts, as values of the graph, and the names of these. The primary template is of networks whose call gives one logit for every pixel
/// (models/pixelwise): the sigmoid of it. A network that does more has a specialisation, as DCSNet (onnx/dcsnet.hpp).
template <class Net>
struct prediction_of {
  static constexpr bool takes_batches = true;
  static std::vector<std::string> outputs() { return {"probability"}; }
  template <class X, class Options>
  static auto values(const Net& net, const X& images, const Options&) {
    static_assert(
        requires { net(images); }, "dcs::onnx: this network has no call from images to logits; a prediction that does more is a specialisation of "
                                   "dcs::onnx::prediction_of");
    return eval(sigmoid(eval(net(images))));
  }
};

/// Writes what a network's `predict` computes as an ONNX file: one input, `image`, of shape<1, Height, Width, 3> (or a batch of any size, shape<dyn<"batch">,
/// ...>, where the network's file can take one) with values as the network was trained on, and the outputs of prediction_of<Net>.
template <class S, class Net, class Options>
void save_prediction(const std::string& path, const Net& net, const Options& options) {
  static_assert(prediction_of<Net>::takes_batches || extent_of<S, 0> == 1,
                "dcs::onnx: a network that detects is exported for one image at a time: shape<1, Height, Width, 3>");
  save_call(
      path, net, [&](const Net& placed, const auto& images) { return prediction_of<Net>::values(placed, images, options); },
      prediction_of<Net>::outputs(), input<S>("image"));
}

}  // namespace dcs::onnx

#include <dcs/core/header_end.inl>
