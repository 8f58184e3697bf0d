// Regions worked by hand: there is no reference for these.
#include <dcs/detect/region_masks.hpp>
#include <dcs/models/dcsnet/regions.hpp>

#include <doctest/doctest.h>

#include <set>

using namespace dcs;
using namespace dcs::models::dcsnet;

TEST_CASE("targets: two samples a bin each way, above one half; the crop follows the box") {
  auto masks = tensor<double, shape<2, 8, 8, 1>>::zeros();
  for (extent_t i = 0; i < 8; ++i)
    for (extent_t j = 4; j < 8; ++j) masks(1, i, j, 0) = 1;
  // Bins of one pixel. Box 0..8: bin 3 samples 3.25 and 3.75, mean exactly 1/2: not above. Box 0.25..8.25: 3.5 and 4, mean 3/4: above. Image 0 is
  // empty.
  const auto rois = tensor<double, shape<dyn<"roi">, 5>>::from(std::vector<double>{1, 0, 0, 8, 8, 1, 0.25, 0, 8.25, 8, 0, 0, 0, 8, 8}, {3, 5});
  const auto t = region_targets<8>(masks, rois);
  for (extent_t i = 0; i < 8; ++i)
    for (extent_t j = 0; j < 8; ++j) {
      CHECK(t(0, i, j, 0) == (j >= 4 ? 1 : 0));
      CHECK(t(1, i, j, 0) == (j >= 3 ? 1 : 0));
      CHECK(t(2, i, j, 0) == 0);
    }
  CHECK(region_targets<8>(masks, tensor<double, shape<dyn<"roi">, 5>>::empty({0, 5})).sizes()[0] == 0);
}

TEST_CASE("choice: all true boxes where they fit, else a random choice in which each occurs; proposals in the remaining places, without repetition") {
  std::vector<box<double>> truth;
  for (int i = 0; i < 6; ++i) truth.push_back({20.0 * i, 0, 20.0 * i + 10, 10});
  std::set<double> seen;
  for (std::uint64_t k = 0; k < 50; ++k) {
    const auto chosen = choose_regions<double>({}, truth, truth, random_stream{3, k});
    REQUIRE(chosen.size() == 4);
    std::set<double> corners;
    for (const auto& b : chosen) corners.insert(b.x1);
    CHECK(corners.size() == 4);
    seen.insert(corners.begin(), corners.end());
  }
  CHECK(seen.size() == 6);

  // IoU exactly 1/2 is positive, less is not; fewer candidates than places are all taken.
  const std::vector<box<double>> one{{0, 0, 10, 10}}, proposals{{0, 0, 10, 5}, {0, 0, 10, 4.9}, {0, 0, 10, 9}};
  CHECK(choose_regions<double>({}, proposals, one, {3, 1}) == std::vector<box<double>>{one[0], proposals[0], proposals[2]});

  // Drawn proposals are different ones, and every one is drawn at times.
  std::vector<box<double>> many;
  for (int i = 0; i < 8; ++i) many.push_back({0, 0, 10, 10 - 0.1 * i});
  std::vector<int> times(8, 0);
  for (std::uint64_t k = 0; k < 400; ++k) {
    const auto chosen = choose_regions<double>({}, many, one, random_stream{4, k});
    REQUIRE(chosen.size() == 4);
    std::set<double> heights;
    for (std::size_t i = 1; i < 4; ++i) {
      heights.insert(chosen[i].y2);
      ++times[static_cast<std::size_t>(std::lround((10 - chosen[i].y2) * 10))];
    }
    CHECK(heights.size() == 3);
  }
  for (int t : times) CHECK((t > 100 && t < 200));  // 150 expected, deviation 9.7
}

TEST_CASE("jitter: deviations of 5 % of the side for centre and size, independent, without bias; none without noise") {
  const box<double> b{100, 80, 140, 160};
  double sum[4] = {}, square[4] = {}, cross = 0;
  constexpr int n = 4000;
  for (std::uint64_t k = 0; k < n; ++k) {
    const auto j = jitter({}, b, 256, 256, random_stream{5, k});
    const double z[4] = {((j.x1 + j.x2) / 2 - 120) / 40, ((j.y1 + j.y2) / 2 - 120) / 80, j.width() / 40 - 1, j.height() / 80 - 1};
    for (int i = 0; i < 4; ++i) sum[i] += z[i], square[i] += z[i] * z[i];
    cross += z[0] * z[1] + z[0] * z[2] + z[1] * z[3] + z[2] * z[3];
  }
  for (int i = 0; i < 4; ++i) {
    CHECK(std::abs(sum[i] / n) < 0.004);  // 5 deviations of the mean
    CHECK(std::sqrt(square[i] / n) == doctest::Approx(0.05).epsilon(0.06));
  }
  CHECK(std::abs(cross / n) < 0.05 * 0.05 * 0.2);
  region_options still;
  still.centre_deviation = still.size_deviation = 0;
  CHECK(jitter(still, b, 256, 256, {5, 1}) == b);
  // At the border the side is kept by moving inwards; a box wider than the image becomes the image.
  CHECK(jitter(still, box<double>{255.5, 0, 256, 0.5}, 256, 256, {5, 1}) == box<double>{255, 0, 256, 1});
  CHECK(jitter(still, box<double>{-50, -50, 500, 500}, 256, 256, {5, 1}) == box<double>{0, 0, 256, 256});
}
