// A small DCSNet and the cases in which it is exported. What dcs predicts (dcsnet_values.cpp) and the files (dcsnet.cpp) are two programs, as a
// network for two devices takes long to compile.
#pragma once

#include "check_export.hpp"

#include <dcs/data/batch.hpp>
#include <dcs/onnx/prediction.hpp>

namespace check {

// A backbone of five convolutions.
struct small_backbone {
  static constexpr std::array channels{8, 8, 8, 8};
  nn::conv2d<3, 8, 3, 2, 1> stem;
  std::array<nn::conv2d<8, 8, 3, 2, 1>, 4> convs;
  DCS_MEMBERS(stem, convs)
  template <operand X>
  constexpr auto operator()(const X& x) const {
    const auto c2 = eval(relu(convs[0](eval(relu(stem(x))))));
    const auto c3 = eval(relu(convs[1](c2)));
    const auto c4 = eval(relu(convs[2](c3)));
    return std::tuple(c2, c3, c4, eval(relu(convs[3](c4))));
  }
};
using picture = shape<1, 64, 128, 3>;

template <class Options>
struct detector_case {
  std::string name;
  std::size_t objects;  // that dcs finds
  Options options;
};
/// With detections; with fewer proposals than may be kept; without an object; without a proposal.
template <class Options>
std::vector<detector_case<Options>> detector_cases(const std::string& net) {
  std::vector<detector_case<Options>> all;
  Options o;
  o.detector.rpn.anchors.scales = {8, 16, 32, 64, 128};
  o.detector.rpn.before_nms = 100, o.detector.rpn.after_nms = 50, o.detector.rpn.nms_threshold = 0.5;
  o.detector.box.score_threshold = 0.0, o.detector.box.most_detections = 5;
  all.push_back({net, 5, o});
  o.detector.rpn.before_nms = 3, o.detector.rpn.after_nms = 1000, o.detector.box.nms_threshold = 0.1;
  all.push_back({net + "_few_proposals", 5, o});
  o.detector.box.score_threshold = 1.0;
  all.push_back({net + "_no_object", 0, o});
  o.detector.box.score_threshold = 0.0, o.detector.rpn.smallest_side = 1000;
  all.push_back({net + "_no_proposal", 0, o});
  return all;
}

/// The files of the cases.
template <class Net>
void check_files(const Net& net, const std::string& name, int crops) {
  using prediction = onnx::prediction_of<Net>;
  for (const auto& c : detector_cases<typename Net::options>(name)) {
    const auto call = [&](const auto& n, const auto& x) { return prediction::values(n, x, c.options); };
    const std::string bytes = onnx::model_of(net, call, prediction::outputs(), onnx::input<picture>("image"));
    if (const std::string prefix = case_prefix(c.name); !prefix.empty()) io::write_bytes(prefix + ".onnx", "test", bytes);
    const auto file = read(bytes);
    CHECK(times(file, "NonMaxSuppression") == 6);
    CHECK(times(file, "RoiAlign") == 4 + crops);
    CHECK(file.inputs == std::vector<std::string>{"image"});
    CHECK(file.outputs == std::vector<std::string>{"probability", "boxes", "scores"});
  }
}
/// What dcs predicts in them.
template <class Net>
void check_values(const Net& net, const std::string& name) {
  const auto image = example<picture>("image");
  for (const auto& c : detector_cases<typename Net::options>(name)) {
    const auto predicted = net.predict(as<image_shape>(image), c.options)[0];
    CHECK(predicted.detections.size() == c.objects);
    std::vector<float> corners, scores;
    for (const auto& d : predicted.detections) corners.insert(corners.end(), {d.box.x1, d.box.y1, d.box.x2, d.box.y2}), scores.push_back(d.score);
    const auto count = static_cast<extent_t>(scores.size());
    const std::string prefix = case_prefix(c.name);
    if (prefix.empty()) continue;
    io::write_npy(prefix + ".in.image.npy", image);
    io::write_npy(prefix + ".out.probability.npy", tensor<float, shape<1, 64, 128, 1>>::from(predicted.probability));
    io::write_npy(prefix + ".out.boxes.npy", tensor<float, shape<dyn<"detection">, 4>>::from(corners, {count, 4}));
    io::write_npy(prefix + ".out.scores.npy", tensor<float, shape<dyn<"detection">>>::from(scores, {count}));
  }
}

}  // namespace check
