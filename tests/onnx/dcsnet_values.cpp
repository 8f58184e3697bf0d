// What dcs predicts in the cases of small_dcsnet.hpp, beside the files of dcsnet.cpp.
#include "small_dcsnet.hpp"

using namespace check;

TEST_CASE("DCSNet: the predictions that its files are compared with") {
  small_dcsnet net;
  randomize(net);
  const auto image = example<picture>("image");
  for (const auto& c : dcsnet_cases()) {
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
