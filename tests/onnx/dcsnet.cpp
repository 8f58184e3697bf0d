// DCSNet as a file, from the image to its mask and objects. Its stages are small here; those of the library are in detector.cpp and
// segmentation_head.cpp. Values are compared by onnxruntime (compare.py) with those of dcsnet_values.cpp.
#include "small_dcsnet.hpp"

#include <dcs/onnx/dcsnet.hpp>

using namespace check;

TEST_CASE("DCSNet as a file") {
  small_dcsnet net;
  randomize(net);
  using prediction = onnx::prediction_of<small_dcsnet>;
  for (const auto& c : dcsnet_cases()) {
    const auto call = [&](const auto& n, const auto& x) { return prediction::values(n, x, c.options); };
    const std::string bytes = onnx::model_of(net, call, prediction::outputs(), onnx::input<picture>("image"));
    if (const std::string prefix = case_prefix(c.name); !prefix.empty()) io::write_bytes(prefix + ".onnx", "test", bytes);
    const auto file = read(bytes);
    CHECK(times(file, "NonMaxSuppression") == 6);
    CHECK(times(file, "RoiAlign") == 8);
    CHECK(file.inputs == std::vector<std::string>{"image"});
    CHECK(file.outputs == std::vector<std::string>{"probability", "boxes", "scores"});
    CHECK(file.data.contains("detector.rpn.head.conv.0.0.weight"));
  }
}
