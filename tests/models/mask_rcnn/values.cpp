// Mask R-CNN against torchvision's: pyramid, RPN, heads, the five losses and all gradients on given proposals; what it predicts by itself; its state
// dict.
#include "../values.hpp"
#include "../../compare/mask_rcnn.hpp"

using namespace dcs;
using net_type = dcs::mask_rcnn<compare::short_resnet<2>, 8, compare::short_stages<16>>;

TEST_CASE("Mask R-CNN has torchvision's values") {
  network_test::check_values(test::goldens("networks/mask_rcnn"), compare::make_mask_rcnn<net_type>("True"), {"output", "loss", "grad"});
}

TEST_CASE("objects are torchvision's: their boxes, which pixels are whose, and none of two pixels") {
  const auto file = test::goldens("networks/mask_rcnn");
  const auto masks = compare::from_nchw<float, mask_shape>(file.at("input/mask"));
  const auto known = compare::tight_targets(masks);
  CHECK(known.boxes == compare::stored_boxes<float>(file, "objects/boxes", 2));
  for (const auto& image : known.boxes) REQUIRE(image.size() == 2);
  const auto map = file.at("objects/map").as<float>();
  CHECK(std::vector<float>(known.objects.values().begin(), known.objects.values().end()) == map);
  // What a data set's batch has is the same map, with boxes that are larger by a margin.
  std::vector<sample> samples;
  for (std::int64_t n = 0; n < 2; ++n) {
    samples.push_back({"", {64, 64, 3, std::vector<float>(64 * 64 * 3)}, {64, 64, {}}, 64, 64});
    for (std::int64_t p = 0; p < 64 * 64; ++p) samples.back().truth.pixels.push_back(masks.data()[n * 64 * 64 + p] > 0);
  }
  const batch b = make_batch(samples, {});
  CHECK(std::vector<float>(b.objects.values().begin(), b.objects.values().end()) == map);
  for (std::size_t n = 0; n < 2; ++n) {
    REQUIRE(b.boxes[n].size() == 2);
    for (std::size_t k = 0; k < 2; ++k) {
      const auto& tight = known.boxes[n][k];
      CHECK(b.boxes[n][k] ==
            box<float>{std::max(tight.x1 - 5, 0.0f), std::max(tight.y1 - 5, 0.0f), std::min(tight.x2 + 4, 64.0f), std::min(tight.y2 + 4, 64.0f)});
    }
  }
}

TEST_CASE("Mask R-CNN predicts what torchvision's does: the same objects, and the same masks in the image") {
  const auto file = test::goldens("networks/mask_rcnn");
  auto net = std::make_unique<net_type>();
  initialize<double>(*net, 0);
  compare::load_weights(*net, file);
  const auto found = net->predict(compare::from_nchw<double, image_shape>(file.at("input/image")), net_type::options{});
  const auto probability = file.at("predicted/probability").as<double>();
  REQUIRE(found.size() == 2);
  REQUIRE(probability.size() == 2 * 64 * 64);
  for (std::size_t n = 0; n < found.size(); ++n) {
    const std::string at = "predicted/detections/" + std::to_string(n);
    const auto boxes = file.at(at + ".boxes").as<double>(), scores = file.at(at + ".scores").as<double>();
    REQUIRE(scores.size() == 3);
    REQUIRE(found[n].detections.size() == scores.size());
    for (std::size_t k = 0; k < scores.size(); ++k) {
      const auto& d = found[n].detections[k];
      CHECK(static_cast<double>(d.score) == doctest::Approx(scores[k]).epsilon(1e-6));
      const float corners[] = {d.box.x1, d.box.y1, d.box.x2, d.box.y2};
      for (std::size_t i = 0; i < 4; ++i) CHECK(static_cast<double>(corners[i]) == doctest::Approx(boxes[4 * k + i]).epsilon(1e-5));
    }
    // torchvision's logits are those of 1e-6 to 1 - 1e-6.
    double worst = 0;
    for (std::size_t p = 0; p < 64 * 64; ++p)
      worst = std::max(worst, std::abs(static_cast<double>(found[n].probability[p]) - probability[n * 64 * 64 + p]));
    CHECK(worst < 3e-6);
  }
}

TEST_CASE("Mask R-CNN reads and writes torchvision's state dict") { network_test::check_state_dict<net_type>(test::goldens("networks/mask_rcnn")); }
