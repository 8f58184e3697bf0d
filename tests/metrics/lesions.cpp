// Lesions by hand: components, the rule of matches, lesions that are missed or invented; FROC and average precision where there is nothing to find.
#include <dcs/metrics/average_precision.hpp>
#include <dcs/metrics/calibration.hpp>
#include <dcs/metrics/froc.hpp>
#include <dcs/metrics/lesions.hpp>

#include <doctest/doctest.h>

#include <string>

using namespace dcs;

namespace {
label_map drawn(const std::vector<std::string>& rows) {
  label_map m{static_cast<std::int64_t>(rows.size()), static_cast<std::int64_t>(rows[0].size()), {}};
  for (const auto& r : rows)
    for (char c : r) m.pixels.push_back(c == '.' ? 0 : c - '0');
  return m;
}
image_lesions lesions(const label_map& prediction, const label_map& truth, double iou = 0.1) {
  std::vector<float> probability;
  for (const auto p : prediction.pixels) probability.push_back(p == 0 ? 0.0f : 0.5f + 0.1f * static_cast<float>(p));
  return measure_lesions(prediction, truth, probability, {.iou = iou});
}
}  // namespace

TEST_CASE("components are 8-connected and numbered by their first pixels") {
  const auto labels = connected_components(foreground(drawn({"..1..1", ".1....", "1...11", "....1."})));
  CHECK(labels.pixels == drawn({"..1..2", ".1....", "1...33", "....3."}).pixels);
}

TEST_CASE("lesions match one to one, by falling overlap") {
  // Predicted lesion 1 covers both true ones; 2 is nearer to the second; 3 is invented.
  const auto truth = drawn({"1111....", "1111..2.", "......2.", "........"});
  const auto prediction = drawn({"11111...", "1111..1.", "......2.", ".33....."});
  const auto found = lesions(prediction, truth);
  REQUIRE((found.truth.size() == 2 && found.predicted.size() == 3));
  CHECK((found.truth[0].match == 0 && found.truth[1].match == 1));
  CHECK((found.predicted[0].match == 0 && found.predicted[1].match == 1 && found.predicted[2].match == -1));
  CHECK((found.truth[0].pixels == 8 && found.predicted[0].pixels == 10 && found.predicted[2].pixels == 2));
  CHECK(found.predicted[2].score == doctest::Approx(0.8));
  CHECK(found.truth[0].metrics.iou == doctest::Approx(8.0 / 10));
  CHECK(found.truth[1].metrics.dice == doctest::Approx(2.0 / 3));
  // The metrics of a pair are those of the two alone, in the whole image.
  const auto whole = measure(foreground(drawn({"........", "........", "......1.", "........"})),
                             foreground(drawn({"........", "......1.", "......1.", "........"})));
  CHECK((found.truth[1].metrics.hd95 == whole.hd95 && found.truth[1].metrics.assd == whole.assd && whole.assd == doctest::Approx(1.0 / 3)));
}

TEST_CASE("lesions match from the least overlap on; of equals the lower numbers") {
  const auto truth = drawn({"1.22", "1.22"}), prediction = drawn({"1..1", "...."});
  CHECK(lesions(prediction, truth, 1.0 / 3).truth[0].match == 0);
  CHECK(lesions(prediction, truth, 0.34).truth[0].match == -1);
  const auto equal = lesions(drawn({"12.11", "....."}), drawn({"11.22", "....."}), 0.01);
  CHECK((equal.truth[0].match == 1 && equal.truth[1].match == 0));
  const auto two = lesions(drawn({"1122"}), drawn({".11."}));
  CHECK((two.truth[0].match == 0 && two.predicted[1].match == -1));
}

TEST_CASE("a missed lesion costs the image's diagonal; nothing is fine where nothing is") {
  const auto none = drawn({"....", "....", "...."}), some = drawn({"11..", "....", "...3"});
  const auto missed = lesions(none, some);
  REQUIRE((missed.truth.size() == 2 && missed.predicted.empty()));
  for (const auto& t : missed.truth) {
    CHECK((t.match == -1 && t.metrics.missed && t.metrics.dice == 0 && t.metrics.recall == 0 && t.metrics.surface_dice == 0));
    CHECK((t.metrics.hd95 == 5 && t.metrics.assd == 5));
  }
  const auto invented = lesions(some, none);
  CHECK((invented.truth.empty() && invented.predicted.size() == 2 && invented.predicted[0].match == -1));
  CHECK((lesions(none, none).truth.empty() && lesions(none, none).predicted.empty()));
  const std::vector<float> p(12, 0.5f);
  const auto spaced = measure_lesions(none, some, p, {.iou = 0.1, .surface = {{2, 0.5}, 1}});
  CHECK(spaced.truth[0].metrics.hd95 == doctest::Approx(std::hypot(6, 2)));
  CHECK_THROWS_AS(measure_lesions(none, drawn({"...."}), p), error);
  CHECK_THROWS_AS(measure_lesions(none, some, std::vector<float>(3)), error);
  for (const double iou : {0.0, -1.0, 1.5}) CHECK_THROWS_AS(lesions(none, some, iou), error);
}

TEST_CASE("every size is in one stratum, and all are in the first") {
  const size_limits limits{4, 10};
  for (const double pixels : {0.0, 1.0, 3.0, 4.0, 9.0, 10.0, 99.0}) {
    CAPTURE(pixels);
    CHECK(contains(stratum::all, pixels, limits));
    CHECK(contains(stratum::small, pixels, limits) == (pixels == 1 || pixels == 3));
    CHECK(contains(stratum::medium, pixels, limits) == (pixels == 4 || pixels == 9));
    CHECK(contains(stratum::large, pixels, limits) == (pixels >= 10));
  }
}

TEST_CASE("FROC by hand: equal scores come together, no lesion gives no value, images are drawn with what is in them") {
  // Two images: a hit at 0.9, then a hit and a false positive of one score, then a false positive.
  const froc_curve curve({{0, 0.5, false}, {1, 0.7, true}, {0, 0.7, false}, {0, 0.9, true}}, {2, 1});
  CHECK(*curve.sensitivity(0) == doctest::Approx(1.0 / 3));
  CHECK(*curve.sensitivity(0.25) == doctest::Approx(0.5));  // half-way to two hits at half a false positive an image
  CHECK(*curve.sensitivity(0.5) == doctest::Approx(2.0 / 3));
  CHECK(*curve.sensitivity(8) == doctest::Approx(2.0 / 3));
  const std::vector<std::uint32_t> second{0, 2};
  CHECK(*curve.sensitivity(0.125, second) == 1);
  CHECK_FALSE(froc_curve({{0, 0.5, false}}, {0}).mean_sensitivity());
  CHECK(*froc_curve({}, {3}).mean_sensitivity() == 0);
  CHECK_THROWS_AS(froc_curve({{1, 0.5, false}}, {0}), error);
}

TEST_CASE("average precision by hand: nothing to find, nothing found, a box that is ignored, images that are drawn") {
  const box<double> a{0, 0, 10, 10}, b{20, 20, 30, 30};
  CHECK_FALSE(average_precision({{{}, {{a, 0.9}}}}, 0.5)());
  CHECK(*average_precision({{{{a}}, {}}}, 0.5)() == 0);
  CHECK(*average_precision({{{{a}, {b}}, {{a, 0.9}, {b, 0.8}}}}, 0.5)() == 1);
  // Wrong with the highest score: precision 1/2 at every recall.
  CHECK(*average_precision({{{{a}}, {{b, 0.9}, {a, 0.8}}}}, 0.5)() == doctest::Approx(0.5));
  CHECK(*average_precision({{{{a}, {b, true}}, {{b, 0.9}, {a, 0.8}}}}, 0.5)() == 1);
  CHECK(*average_precision({{{{a}}, {{b, 0.9, true}, {a, 0.8}}}}, 0.5)() == 1);
  const average_precision two({{{{a}}, {{a, 0.8}}}, {{{a}}, {{b, 0.9}}}}, 0.5);
  const std::vector<std::uint32_t> first{2, 0};
  CHECK(*two() == doctest::Approx(0.5 * 51 / 101));
  CHECK(*two(first) == 1);
  for (const double iou : {0.0, 1.1}) CHECK_THROWS_AS(average_precision({}, iou), error);
}

TEST_CASE("calibration by hand: bins end at their upper bound, and 0 is in the first") {
  calibration_bins bins(2);
  bins.add(std::vector<float>{0, 0.5f, 0.75f, 1}, {1, 4, {0, 1, 1, 1}});
  CHECK(bins.pixels == std::vector<std::int64_t>{2, 2});
  CHECK(bins.lesion == std::vector<std::int64_t>{1, 2});
  CHECK(*expected_calibration_error(std::vector{bins}) == doctest::Approx((0.5 + 0.25) / 4));
  CHECK_FALSE(expected_calibration_error({}));
  CHECK_THROWS_AS(calibration_bins(0), error);
  CHECK_THROWS_AS(bins.add(std::vector<float>{1.5f}, {1, 1, {1}}), error);
  CHECK_THROWS_AS(bins.add(std::vector<float>{std::nanf("")}, {1, 1, {1}}), error);
  CHECK_THROWS_AS(bins.add(std::vector<float>{1}, {1, 2, {1, 1}}), error);
  CHECK_THROWS_AS(expected_calibration_error(std::vector{bins, calibration_bins(3)}), error);
}
