// Mask R-CNN as the library trains and asks it.
#include "../training.hpp"
#include "../../compare/mask_rcnn.hpp"

#include <dcs/image/fusion.hpp>

using namespace dcs;
using net_type = dcs::mask_rcnn<compare::short_resnet<4, nn::batch_norm>, 16, compare::short_stages<32>>;

namespace {

// Of an untrained network nothing is sure.
net_type::options unsure() {
  net_type::options o;
  o.detector.box.score_threshold = 0.05;
  return o;
}

}  // namespace

TEST_CASE("Mask R-CNN trains, and goes on after a checkpoint to the same bits") { network_test::check_training<net_type>(); }

TEST_CASE("Mask R-CNN is evaluated and predicts") {
  static_assert(region_segmenter<net_type>);
  network_test::check_prediction<net_type>(unsure());
}

TEST_CASE("Mask R-CNN predicts inside given boxes, and nothing elsewhere") {
  network_test::trained<net_type> t(1);
  const user::discs data;
  const batch two = make_batch({data.load(0), data.load(1)}, {});
  const auto found = predict(*t.net, two.images, {}, {{}, {{8, 10, 40, 42}, {44, 2, 60, 20}}});
  REQUIRE(found.size() == 2);
  CHECK(found[0].detections.empty());
  CHECK(std::all_of(found[0].probability.begin(), found[0].probability.end(), [](float v) { return v == 0; }));
  REQUIRE(found[1].detections.size() == 2);
  CHECK(found[1].detections[1].box == box<float>{44, 2, 60, 20});
  // A mask's margin of one of its 28 pixels lies around the box.
  for (std::int64_t y = 0; y < 64; ++y)
    for (std::int64_t x = 0; x < 64; ++x) {
      const bool inside = (x >= 8 && x < 40 && y >= 10 && y < 42) || (x >= 44 && x < 60 && y >= 2 && y < 20);
      const bool near = (x >= 6 && x <= 41 && y >= 8 && y <= 43) || (x >= 42 && x <= 61 && y >= 0 && y <= 21);
      const float p = found[1].probability[static_cast<std::size_t>(y * 64 + x)];
      if (inside) CHECK(p > 0);
      if (!near) CHECK(p == 0);
    }
  // At another size its regions are pasted, each inside its box, which the margin is part of.
  REQUIRE(found[1].regions.size() == 2);
  CHECK((found[1].regions[0].side == 30 && found[1].regions[1].box == box<float>{42.5f, 0.5f, 60.5f, 20.5f}));
  const prediction larger = found[1].resized(192, 128);
  for (const auto& at : {std::pair<std::int64_t, std::int64_t>{33, 18}, {126, 80}, {9, 90}, {60, 120}})
    CHECK(larger.probability[static_cast<std::size_t>(at.first * 128 + at.second)] > 0);
  for (const auto& at : {std::pair<std::int64_t, std::int64_t>{20, 40}, {100, 9}, {9, 84}, {63, 100}})
    CHECK(larger.probability[static_cast<std::size_t>(at.first * 128 + at.second)] == 0);
  // Fused, they are pasted in the same way, and the detections stay.
  const prediction twice = fused_prediction({found[1], found[1]});
  REQUIRE(twice.detections.size() == 2);
  for (std::size_t k = 0; k < 2; ++k) CHECK(twice.detections[k].box == found[1].detections[k].box);
  for (std::size_t i = 0; i < twice.probability.size(); ++i) CHECK(std::abs(twice.probability[i] - found[1].probability[i]) < 1e-5f);
  CHECK((found[0].of_regions && twice.of_regions));
}
