// DCSNet as a file: the whole prediction with its detections, an image without any, and the parts that compute no choice of boxes. Values are compared by
// onnxruntime (compare.py).
#include "check_export.hpp"

#include <dcs/onnx/dcsnet.hpp>

using namespace check;
using onnx::input;

using net_type = dcsnet<resnet<18>, models::dcsnet::dghc<32>, models::dcsnet::msfa<1, 4>, 16>;
using picture = shape<1, 64, 96, 3>;

// The prediction, with what dcs predicts for random images beside it.
contents exported_prediction(const std::string& name, const net_type& net, const models::dcsnet::options& o, std::size_t& objects) {
  using prediction = onnx::prediction_of<net_type>;
  const auto predicted = net.predict(as<image_shape>(example<picture>("image")), o)[0];
  objects = predicted.detections.size();
  const auto call = [&](const auto& n, const auto& x) {
    if constexpr (std::is_same_v<device_t<decltype(x)>, cpu_device>) {
      std::vector<float> corners, scores;
      for (const auto& d : predicted.detections)
        corners.insert(corners.end(), {d.box.x1, d.box.y1, d.box.x2, d.box.y2}), scores.push_back(d.score);
      const auto count = static_cast<extent_t>(scores.size());
      return std::tuple(tensor<float, shape<1, 64, 96, 1>>::from(predicted.probability),
                        tensor<float, shape<dyn<"detection">, 4>>::from(corners, {count, 4}),
                        tensor<float, shape<dyn<"detection">>>::from(scores, {count}));
    } else {
      return prediction::values(n, x, o);
    }
  };
  return exported(name, net, call, prediction::outputs(), input<picture>("image"));
}

net_type trained() {
  net_type net;
  randomize(net);
  return net;
}

TEST_CASE("DCSNet with detections, and without any") {
  const auto net = trained();
  models::dcsnet::options o;
  o.detector.rpn.anchors.scales = {8, 16, 32, 64, 128};
  o.detector.rpn.before_nms = 100, o.detector.rpn.after_nms = 50;
  o.detector.box.score_threshold = 0.0, o.detector.box.most_detections = 5;
  std::size_t objects = 0;
  const auto file = exported_prediction("dcsnet", net, o, objects);
  CHECK(objects == 5);
  CHECK(times(file, "NonMaxSuppression") == 6);
  CHECK(times(file, "RoiAlign") == 8);
  CHECK(file.outputs == std::vector<std::string>{"probability", "boxes", "scores"});
  o.detector.box.score_threshold = 1.0;
  exported_prediction("dcsnet_no_object", net, o, objects);
  CHECK(objects == 0);
  o.detector.box.score_threshold = 0.0, o.detector.rpn.smallest_side = 1000;
  exported_prediction("dcsnet_no_proposal", net, o, objects);
  CHECK(objects == 0);
}
