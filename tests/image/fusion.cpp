#include <dcs/image/fusion.hpp>

#include "../ops/goldens.hpp"

#include <doctest/doctest.h>

#include <cmath>

using namespace dcs;

namespace {

// A prediction of 40 × 48 of discs in boxes: regions of side 28 with their map, made as networks make it.
struct disc {
  box<float> where;
  float score;
};
prediction of_discs(const std::vector<disc>& discs, float most = 0.9f) {
  prediction p{40, 48, std::vector<float>(40 * 48, 0.0f), {}, {}, true};
  for (const auto& d : discs) {
    segmented_region r{d.where, d.score, 28, {}};
    for (int i = 0; i < 28 * 28; ++i) {
      const double y = i / 28 - 13.5, x = i % 28 - 12.0;  // not symmetric
      r.probabilities.push_back(most * static_cast<float>(1 / (1 + std::exp(std::hypot(y, x) - 9))));
    }
    paste(r.probabilities.data(), r.side, r.box, p.probability.data(), p.height, p.width);
    p.detections.push_back({d.where, d.score});
    p.regions.push_back(std::move(r));
  }
  return p;
}
double worst(const std::vector<float>& a, const std::vector<float>& b) {
  REQUIRE(a.size() == b.size());
  double most = 0;
  for (std::size_t i = 0; i < a.size(); ++i) most = std::max(most, std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i])));
  return most;
}
std::vector<float> pasted(const prediction& p) {
  std::vector<float> map(p.probability.size(), 0.0f);
  for (const auto& r : p.regions) paste(r.probabilities.data(), r.side, r.box, map.data(), p.height, p.width);
  return map;
}

const disc a{{5.5f, 8.25f, 21, 23}, 0.9f}, b{{30, 20, 44.5f, 35}, 0.6f};

}  // namespace

TEST_CASE("a mirrored prediction: its regions lie on its map, and mirroring again gives it back") {
  const prediction p = of_discs({a, b});
  for (const bool horizontal : {false, true})
    for (const bool vertical : {false, true}) {
      const prediction once = mirrored(p, horizontal, vertical), twice = mirrored(once, horizontal, vertical);
      CHECK(worst(pasted(once), once.probability) < 1e-5);
      CHECK(twice.probability == p.probability);
      CHECK(std::abs(twice.regions[0].box.x1 - p.regions[0].box.x1) < 1e-4f);
      CHECK(once.detections[1].box == once.regions[1].box);
      CHECK((once.probability == p.probability) == (!horizontal && !vertical));
    }
}

TEST_CASE("equal views are their own fusion") {
  const prediction p = of_discs({a, b});
  const prediction one = fused_prediction({p}), three = fused_prediction({p, p, p});
  CHECK(one.probability == p.probability);
  CHECK(worst(three.probability, p.probability) < 1e-5);
  REQUIRE(three.regions.size() == 2);
  CHECK(three.detections[0].score == doctest::Approx(0.9));
  CHECK(three.detections[1].score == doctest::Approx(0.6));
  CHECK(worst(pasted(three), three.probability) == 0);
}

TEST_CASE("a lesion that one view of four finds keeps its map, and a score of a quarter") {
  const prediction lesion = of_discs({a}), nothing = of_discs({});
  const prediction all = fused_prediction({nothing, lesion, nothing, nothing});
  CHECK(worst(all.probability, lesion.probability) < 1e-5);
  REQUIRE(all.detections.size() == 1);
  CHECK(all.detections[0].score == doctest::Approx(0.225));
  const prediction none = fused_prediction({nothing, nothing});
  CHECK(none.probability == nothing.probability);
  CHECK(none.detections.empty());
}

TEST_CASE("a lesion that two views find has the mean of their maps at its place in the image") {
  const prediction sure = of_discs({a}, 0.9f), unsure = of_discs({{{6, 8, 22, 23.5f}, 0.5f}}, 0.3f);
  const prediction both = fused_prediction({sure, unsure, of_discs({b})});
  std::vector<float> mean = of_discs({b}).probability;
  for (std::size_t i = 0; i < mean.size(); ++i) mean[i] = std::max(mean[i], (sure.probability[i] + unsure.probability[i]) / 2);
  CHECK(worst(both.probability, mean) < 0.05);  // grids of other boxes are read between their cells
  CHECK(both.detections.size() == 2);
  CHECK(both.regions.size() == 2);
}

TEST_CASE("whole images are averaged, beside regions too") {
  const prediction low{40, 48, std::vector<float>(40 * 48, 0.1f), {}, {}}, high{40, 48, std::vector<float>(40 * 48, 0.4f), {}, {}};
  for (const float v : fused_prediction({low, high}).probability) CHECK(v == doctest::Approx(0.25));
  const prediction lesion = of_discs({a}), mixed = fused_prediction({lesion, low, of_discs({}), high});
  CHECK(mixed.regions.empty());
  REQUIRE(mixed.detections.size() == 1);
  CHECK(mixed.detections[0].score == doctest::Approx(0.45));  // of the two views that detect, one has it
  for (std::size_t i = 0; i < lesion.probability.size(); ++i)
    CHECK(mixed.probability[i] == doctest::Approx((2 * static_cast<double>(lesion.probability[i]) + 0.5) / 4).epsilon(1e-4));
}

TEST_CASE("a whole image without any lesion is one of the views, and lowers what others find") {
  const prediction zero{40, 48, std::vector<float>(40 * 48, 0.0f), {}, {}}, lesion = of_discs({a});
  const prediction both = fused_prediction({lesion, zero});
  CHECK((!both.of_regions && both.regions.empty()));
  REQUIRE(both.detections.size() == 1);
  CHECK(both.detections[0].score == doctest::Approx(0.9));  // the other view detects nothing by its nature
  for (std::size_t i = 0; i < zero.probability.size(); ++i) CHECK(both.probability[i] == doctest::Approx(lesion.probability[i] / 2));
  CHECK(fused_prediction({lesion, of_discs({})}).of_regions);
}

TEST_CASE("regions whose boxes are larger than the detected ones are pasted into theirs, and fused boxes are those of detections") {
  prediction p = of_discs({a, b});
  for (auto& d : p.detections) d.box = {d.box.x1 + 1, d.box.y1 + 1, d.box.x2 - 1, d.box.y2 - 1};
  const prediction both = fused_prediction({p, p});
  REQUIRE(both.detections.size() == 2);
  for (std::size_t k = 0; k < 2; ++k) {
    CHECK(iou(both.detections[k].box, p.detections[k].box) > 0.9999f);
    CHECK(iou(both.regions[k].box, p.regions[k].box) > 0.9999f);
  }
  CHECK(worst(both.probability, p.probability) < 1e-5);
}

TEST_CASE("at another size regions lie where they are pasted from this one") {
  const prediction p = of_discs({a, b}), larger = scaled(p, 80, 96);
  CHECK((larger.height == 80 && larger.width == 96));
  CHECK(larger.probability == p.resized(80, 96).probability);
  CHECK(worst(pasted(larger), larger.probability) < 1e-4);
  const prediction image = scaled({2, 2, {0, 1, 0, 1}, {}, {}}, 4, 4);
  CHECK(image.probability == prediction{2, 2, {0, 1, 0, 1}, {}, {}}.resized(4, 4).probability);
}

TEST_CASE("regions at the borders of an image reach them at another size too, alone and fused") {
  for (const box<float>& where : {box<float>{0, 0, 12, 39}, {35, 0, 47, 40}, {-3, 0, 50, 9}, {0, 31.5f, 48, 40}}) {
    prediction p{40, 48, std::vector<float>(40 * 48, 0.0f), {{where, 0.9f}}, {{where, 0.9f, 2, std::vector<float>(4, 0.75f)}}, true};
    paste(p.regions[0].probabilities.data(), 2, where, p.probability.data(), 40, 48);
    for (const auto& [h, w] : {std::pair<std::int64_t, std::int64_t>{160, 192}, {17, 60}}) {
      const prediction larger = scaled(p, h, w);
      CHECK(larger.probability == p.resized(h, w).probability);
      CHECK(pasted(larger) == larger.probability);
      CHECK(worst(fused_prediction({larger, larger}).probability, larger.probability) < 1e-6);
    }
  }
  // Beyond a border a box keeps its place: the part of its grid inside the image does not move.
  CHECK(scaled(box<float>{-3, 2, 50, 39}, 40, 48, 160, 192) == box<float>{-10.5f, 9.5f, 201.5f, 159.5f});
}

TEST_CASE("views of other sizes, and none, are refused") {
  CHECK_THROWS_WITH_AS(fused_prediction({}), "dcs::fused_prediction: there is no view; expected at least one", error);
  CHECK_THROWS_WITH_AS(fused_prediction({{1, 2, {0, 0}, {}, {}}, {2, 1, {0, 0}, {}, {}}}),
                       "dcs::fused_prediction: a view of 2 × 1 beside one of 1 × 2", error);
}

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
