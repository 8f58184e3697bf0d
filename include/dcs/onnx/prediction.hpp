// The whole prediction of a network as a file: from an image to the probability of every pixel, and the detected objects where the network detects.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/data/batch.hpp>
#include <dcs/onnx/export.hpp>

DCS_EXACT_MATH
namespace dcs::onnx {

/// What a network predicts, as values of the graph, and the names of these. The primary template is of networks whose call gives one logit for every
/// pixel (models/pixelwise): the sigmoid of it. A network that does more has a specialisation, as DCSNet (onnx/dcsnet.hpp).
template <class Net>
struct prediction_of {
  static constexpr bool takes_batches = true;
  static std::vector<std::string> outputs() { return {"probability"}; }
  template <class X, class Options>
  static auto values(const Net& net, const X& images, const Options&) {
    static_assert(
        requires { net(images); },
        "dcs::onnx: this network has no call from images to logits; a prediction that does more is a specialisation of "
        "dcs::onnx::prediction_of");
    return eval(sigmoid(eval(net(images))));
  }
};

/// Writes what a network's `predict` computes as an ONNX file: one input, `image`, of [1, height, width, 3] as the network was trained on (a batch of
/// any size, where the network takes batches), and the outputs of prediction_of<Net>.
template <class Net, class Options>
void save_prediction(const std::string& path, const Net& net, const Options& options, extent_t height, extent_t width) {
  using prediction = prediction_of<Net>;
  save_call(
      path, net, [&](const Net& placed, const auto& images) { return prediction::values(placed, images, options); }, prediction::outputs(),
      input<image_shape>("image", {prediction::takes_batches ? any_size : 1, height, width, 3}));
}

}  // namespace dcs::onnx

#include <dcs/core/header_end.inl>
