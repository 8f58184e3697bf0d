#include <dcs/detect/anchors.hpp>
#include <dcs/detect/matcher.hpp>
#include <dcs/detect/region_masks.hpp>
#include <dcs/models/dcsnet/regions.hpp>

#include <doctest/doctest.h>

using namespace dcs;
using namespace dcs::models::dcsnet;

TEST_CASE("anchors for boxes: the lower quartile of their sides, doubled from level to level; the defaults without a box") {
  std::vector<box<float>> boxes;
  for (int i = 1; i <= 9; ++i) boxes.push_back({10, 20, 10 + 4.0f * static_cast<float>(i), 20 + 9.0f * static_cast<float>(i)});  // sides 6 to 54
  CHECK(anchors_for(boxes).scales == std::array<double, 5>{18, 36, 72, 144, 288});
  CHECK(anchors_for(boxes).ratios == anchor_options{}.ratios);
  CHECK(anchors_for({{0, 0, 1, 1}}).scales[0] == 4);
  CHECK(anchors_for({{0, 0, 900, 900}}).scales[0] == 128);
  CHECK(anchors_for({}) == anchor_options{});
}

TEST_CASE("anchors: a level without a scale, a scale and a ratio that are not above 0 are errors") {
  std::vector<box<float>> all;
  CHECK_THROWS_WITH_AS(append_anchors(all, anchor_options{}, 5, 2, 2, 4, 4), doctest::Contains("level 5 has no scale"), error);
  CHECK_THROWS_WITH_AS(append_anchors(all, anchor_options{{32, 0, 1, 1, 1}}, 1, 2, 2, 4, 4), doctest::Contains("the scale of level 1 is 0"), error);
  CHECK_THROWS_WITH_AS(append_anchors(all, anchor_options{{32, 64, 128, 256, 512}, {1, -1, 2}}, 0, 2, 2, 4, 4), doctest::Contains("a ratio is -1"),
                       error);
}

TEST_CASE("anchors: corners rounded half to even, order y, x, shape") {
  const auto cell = anchor_cell<double>(32);
  CHECK(cell[0] == box<double>{-23, -11, 23, 11});
  CHECK(cell[1] == box<double>{-16, -16, 16, 16});
  CHECK(cell[2] == box<double>{-11, -23, 11, 23});
  std::vector<box<double>> all;
  append_anchors(all, anchor_options{}, 0, 2, 3, 4, 4);
  REQUIRE(all.size() == 18);
  CHECK(all[4] == box<double>{-12, -16, 20, 16});
  CHECK(all[10] == box<double>{-16, -12, 16, 20});
}

TEST_CASE("coder: decode is the inverse of encode; growth is limited") {
  const box<double> reference{10, 20, 30, 60}, target{12, 18, 40, 50};
  for (const auto& coder : {rpn_coder, box_head_coder}) {
    double d[4];
    coder.encode(reference, target, d);
    const auto back = coder.decode(reference, d);
    CHECK(back.x1 == doctest::Approx(target.x1));
    CHECK(back.y2 == doctest::Approx(target.y2));
  }
  double d[4];
  rpn_coder.encode(reference, target, d);
  CHECK(d[0] == doctest::Approx((26.0 - 20) / 20));
  CHECK(d[3] == doctest::Approx(std::log(32.0 / 40)));
  const double huge[4] = {0, 0, 50, 50};
  CHECK(rpn_coder.decode(reference, huge).width() == doctest::Approx(20 * 1000.0 / 16));
}

TEST_CASE("coder: the side of a very narrow box is exact although its coordinates in float are not, in an image and at its edge") {
  // 32 pixels by e^-10.35: 0.001024 wide. At x = 50 floats are 3.8e-6 apart, at 1500 1.2e-4.
  const float narrow[4] = {0, 0, -10.35f, 0};
  const double wanted = 32 * std::exp(static_cast<double>(narrow[2]));
  for (float x : {50.3f, 1500.7f}) {
    const box<float> reference{x - 16, 10, x + 16, 42};
    CHECK(rpn_coder.decode_within(reference, narrow, 2000, 2000, wanted * (1 - 1e-6)).second);
    CHECK(!rpn_coder.decode_within(reference, narrow, 2000, 2000, wanted * (1 + 1e-6)).second);
  }
  const auto [cut, large] = rpn_coder.decode_within(box<float>{-16, 10, 16, 42}, narrow, 40, 40, wanted / 2 * (1 - 1e-6));
  CHECK(large);
  CHECK(cut.x1 == 0);
  CHECK(cut.y2 == 40);
  CHECK(!rpn_coder.decode_within(box<float>{-50, 10, -18, 42}, narrow, 40, 40, 1e-9).second);
}

TEST_CASE("boxes: overlap, clipping and pooling level") {
  CHECK(iou(box<double>{0, 0, 2, 2}, box<double>{1, 1, 3, 3}) == doctest::Approx(1.0 / 7));
  CHECK(iou(box<double>{0, 0, 1, 1}, box<double>{2, 2, 3, 3}) == 0);
  CHECK(iou(box<double>{}, box<double>{}) == 0);
  CHECK(clip(box<double>{-5, 2, 300, 400}, 128, 256) == box<double>{0, 2, 256, 128});
  CHECK(pooling_level(box<double>{0, 0, 224, 224}) == 2);
  CHECK(pooling_level(box<double>{0, 0, 223, 223}) == 1);
  CHECK(pooling_level(box<double>{0, 0, 10, 10}) == 0);
  CHECK(pooling_level(box<double>{0, 0, 2000, 2000}) == 3);
}

TEST_CASE("matcher: thresholds, ties and low-quality matches") {
  const std::vector<box<double>> truth{{0, 0, 10, 10}, {20, 20, 24, 24}};
  const std::vector<box<double>> boxes{{0, 0, 10, 10}, {0, 0, 10, 5}, {50, 50, 60, 60}, {20, 20, 30, 30}, {0, 0, 10, 4}};
  CHECK(match(truth, boxes, 0.7, 0.3, false) == std::vector<int>{0, undecided, background, background, undecided});
  CHECK(match(truth, boxes, 0.7, 0.3, true) == std::vector<int>{0, undecided, background, 1, undecided});  // the best of truth 1, at 0.16
  CHECK(match<double>({}, boxes, 0.7, 0.3, true) == std::vector<int>(5, background));
}

TEST_CASE("sampler: all boxes, or a fraction chosen by the random stream") {
  std::vector<int> labels;
  for (int i = 0; i < 1000; ++i) labels.push_back(i % 10 == 0 ? 1 : i % 10 == 1 ? -1 : 0);
  const auto all = box_sampler::everything(0.5).draw(labels, {1, 1});
  CHECK(all.size() == 900);
  const box_sampler s{256, 0.25};
  const auto a = s.draw(labels, {1, 1}), b = s.draw(labels, {1, 1}), c = s.draw(labels, {1, 2});
  CHECK(a == b);
  CHECK(a != c);
  CHECK(a.size() == 256);
  CHECK(std::is_sorted(a.begin(), a.end()));
  int positive = 0;
  for (auto i : a) {
    CHECK(labels[static_cast<std::size_t>(i)] >= 0);
    positive += labels[static_cast<std::size_t>(i)];
  }
  CHECK(positive == 64);
  CHECK(box_sampler{256, 0.5}.draw({}, {1, 1}).empty());
}

TEST_CASE("regions: every ground truth first, then positive proposals, at most four") {
  const std::vector<box<float>> truth{{0, 0, 10, 10}, {50, 50, 60, 60}};
  std::vector<box<float>> proposals;
  for (int i = 0; i < 20; ++i) proposals.push_back({static_cast<float>(i) * 0.2f, 0, 10, 10});
  proposals.push_back({80, 80, 90, 90});
  const auto chosen = choose_regions(region_options{}, proposals, truth, {1, 1});
  REQUIRE(chosen.size() == 4);
  CHECK((chosen[0] == truth[0] && chosen[1] == truth[1]));
  for (const auto& b : chosen) CHECK(std::max(iou(b, truth[0]), iou(b, truth[1])) >= 0.5f);
  region_options only;
  only.ground_truth_only = true;
  CHECK(choose_regions(only, proposals, truth, {1, 1}).size() == 2);
  CHECK(choose_regions<float>({}, proposals, {}, {1, 1}).empty());
}

TEST_CASE("jitter: eqs 2 to 5 by hand, inside the image, sides at least a pixel") {
  const random_stream r{7, 7};
  const box<double> b{40, 60, 80, 80};
  const auto j = jitter(region_options{}, b, 256, 256, r);
  const double cx = 60 + 0.05 * 40 * r.normal(0), w = 40 * (1 + 0.05 * r.normal(2));
  CHECK(j.x1 == doctest::Approx(cx - w / 2));
  CHECK(j.x2 == doctest::Approx(cx + w / 2));
  CHECK(j.height() == doctest::Approx(20 * (1 + 0.05 * r.normal(3))));
  for (std::uint64_t k = 0; k < 200; ++k) {
    const auto e = jitter(region_options{}, box<double>{250, 0, 256, 0.5}, 256, 256, r.child(k));
    CHECK((e.x1 >= 0 && e.x2 <= 256 && e.y1 >= 0 && e.width() >= 1 - 1e-9 && e.height() >= 1 - 1e-9));
  }
}

TEST_CASE("the target of a region is its crop of the mask; pasting it gives the mask again") {
  auto masks = tensor<float, shape<1, 32, 32, 1>>::zeros();
  for (extent_t y = 8; y < 16; ++y)
    for (extent_t x = 8; x < 16; ++x) masks(0, y, x, 0) = 1;
  const auto rois = tensor<float, shape<1, 5>>::from(std::vector<float>{0, 4, 4, 20, 20});
  const auto t = region_targets<32>(masks, rois);
  double area = 0;
  for (float v : t.values()) area += static_cast<double>(v);
  CHECK(area == doctest::Approx(16 * 16).epsilon(0.15));
  CHECK(t(0, 16, 16, 0) == 1);
  CHECK(t(0, 2, 2, 0) == 0);
  std::vector<float> image(32 * 32, 0.0f);
  paste(t.data(), 32, box<float>{4, 4, 20, 20}, image.data(), 32, 32);
  int differ = 0;
  for (std::size_t i = 0; i < image.size(); ++i) differ += (image[i] > 0.5f) != (masks.data()[i] > 0.5f);
  CHECK(differ <= 8);
  CHECK(image[12 * 32 + 12] == 1);
  std::vector<float> higher(32 * 32, 0.75f);
  const std::vector<float> half(32 * 32, 0.5f);
  paste(half.data(), 32, box<float>{-10, -10, 50, 50}, higher.data(), 32, 32);
  CHECK(higher[0] == 0.75f);
}
