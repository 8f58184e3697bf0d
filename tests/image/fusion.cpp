#include <dcs/image/fusion.hpp>

#include "../ops/goldens.hpp"

#include <doctest/doctest.h>

using namespace dcs;

TEST_CASE("weighted box fusion equals ensemble-boxes'") {
  const auto file = test::goldens("views");
  int cases = 0;
  for (; file.contains("fusion." + std::to_string(cases) + "/boxes"); ++cases) {
    CAPTURE(cases);
    const std::string name = "fusion." + std::to_string(cases);
    const auto rows = file.at(name + "/boxes").as<float>();
    const auto settings = file.at(name + "/settings").as<double>(), wanted = file.at(name + "/fused").as<double>();
    std::vector<std::vector<detection<float>>> views(static_cast<std::size_t>(settings[0]));
    for (std::size_t r = 0; r < rows.size(); r += 6)
      views[static_cast<std::size_t>(rows[r])].push_back({{rows[r + 1], rows[r + 2], rows[r + 3], rows[r + 4]}, rows[r + 5]});
    std::vector<double> found;
    std::size_t members = 0;
    for (const auto& f : weighted_box_fusion(views, static_cast<float>(settings[1]))) {
      for (const float x : {f.found.box.x1, f.found.box.y1, f.found.box.x2, f.found.box.y2, f.found.score}) found.push_back(static_cast<double>(x));
      members += f.members.size();
    }
    CHECK(members == rows.size() / 6);  // each box is in one cluster
    REQUIRE(found.size() == wanted.size());
    for (std::size_t i = 0; i < found.size(); ++i) CHECK(std::abs(found[i] - wanted[i]) < 1e-6);
  }
  CHECK(cases == 5);
}

TEST_CASE("weighted box fusion by hand: a mean weighted by scores, and a score that falls where views lack the box") {
  const auto fused = weighted_box_fusion({{{{0, 0, 10, 10}, 0.9f}, {{50, 50, 60, 60}, 0.6f}}, {{{1, 0, 11, 10}, 0.6f}, {{80, 80, 90, 90}, 0}}});
  REQUIRE(fused.size() == 2);  // a box of score 0 has no weight
  CHECK(fused[0].found.box.x1 == doctest::Approx(0.4));
  CHECK(fused[0].found.box.x2 == doctest::Approx(10.4));
  CHECK(fused[0].found.score == doctest::Approx(0.75));
  CHECK(fused[0].members == std::vector<std::pair<std::size_t, std::size_t>>{{0, 0}, {1, 0}});
  CHECK(fused[1].found.box == box<float>{50, 50, 60, 60});
  CHECK(fused[1].found.score == doctest::Approx(0.3));
  CHECK(weighted_box_fusion({{}, {}}).empty());
}
