// What is chosen on validation images, and how sure views are: the search of post-processing, the temperature, uncertainty.
#include <dcs/core/philox.hpp>
#include <dcs/metrics/calibration.hpp>
#include <dcs/metrics/metrics.hpp>
#include <dcs/metrics/temperature.hpp>
#include <dcs/metrics/tuning.hpp>
#include <dcs/metrics/uncertainty.hpp>

#include "../ops/goldens.hpp"

#include <doctest/doctest.h>

using namespace dcs;

namespace {

// An image of 24 × 24: a lesion, found with probabilities around `level`, and specks of single pixels that are none.
struct example {
  prediction found{24, 24, std::vector<float>(24 * 24, 0.1f), {}};
  mask truth{24, 24, std::vector<std::uint8_t>(24 * 24, 0)};
};
example with_specks(std::uint64_t seed, float level) {
  example e;
  const random_stream random{seed, 0};
  for (std::int64_t y = 6; y < 13; ++y)
    for (std::int64_t x = 5; x < 15; ++x) {
      e.truth.at(y, x) = 1;
      e.found.probability[static_cast<std::size_t>(y * 24 + x)] =
          level + 0.1f * static_cast<float>(random.uniform(static_cast<std::uint64_t>(y * 24 + x)));
    }
  for (const std::int64_t p : {2, 70, 477, 505}) e.found.probability[static_cast<std::size_t>(p) + seed] = 0.9f;
  return e;
}

}  // namespace

TEST_CASE("the search finds the rule with the largest mean Dice, as trying every rule does") {
  const std::vector<example> examples{with_specks(1, 0.3f), with_specks(2, 0.32f), with_specks(3, 0.27f)};
  postprocessing_search search;
  for (const auto& e : examples) search.add(e.found, e.truth);
  const auto mean_dice = [&](const postprocessing& rule) {
    double sum = 0;
    for (const auto& e : examples) sum += measure(postprocessed(e.found, rule), e.truth).dice;
    return sum / 3;
  };
  const auto chosen = search.best();
  double most = 0;
  for (std::size_t t = 0; t < postprocessing_search::thresholds; ++t)
    for (const int s : postprocessing_search::smallest_components)
      for (const int m : postprocessing_search::most_components) most = std::max(most, mean_dice({postprocessing_search::threshold(t), s, m}));
  CHECK(chosen.dice == doctest::Approx(most));
  CHECK(chosen.dice == doctest::Approx(mean_dice(chosen.rule)));
  CHECK(chosen.default_dice == doctest::Approx(mean_dice({})));
  CHECK(chosen.dice == 1);
  // Of the thresholds and sizes that reach it: the threshold nearest a half, the smallest size, and all components.
  CHECK(chosen.rule == postprocessing{0.25f, 4, 0});
}

TEST_CASE("what does not help is not chosen") {
  postprocessing_search search;
  auto right = with_specks(1, 0.8f);
  right.truth = right.found.above();
  search.add(right.found, right.truth);
  search.add({24, 24, std::vector<float>(24 * 24, 0.0f), {}}, {24, 24, std::vector<std::uint8_t>(24 * 24, 0)});  // nothing, and nothing found
  CHECK(search.best().rule == postprocessing{});
  CHECK(search.best().dice == 1);
  CHECK_THROWS_WITH_AS(search.add(right.found, {2, 2, {0, 0, 0, 0}}), "dcs::postprocessing_search: a prediction of 24 × 24 for a truth of 2 × 2",
                       error);
  CHECK_THROWS_WITH_AS(postprocessing_search{}.best(), "dcs::postprocessing_search: there is no image; expected at least one", error);
}

TEST_CASE("thresholds of the grid are in the order of their distance from a half") {
  CHECK(postprocessing_search::threshold(0) == 0.5f);
  CHECK(postprocessing_search::threshold(1) == 0.45f);
  CHECK(postprocessing_search::threshold(2) == 0.55f);
  CHECK(postprocessing_search::threshold(17) == 0.05f);
  CHECK(postprocessing_search::threshold(18) == 0.95f);
}

TEST_CASE("the temperature is SciPy's, and calibrates") {
  const auto file = test::goldens("views");
  for (int i = 0; i < 3; ++i) {
    CAPTURE(i);
    const std::string name = "temperature." + std::to_string(i);
    const auto p = file.at(name + "/probability").as<float>();
    const auto wanted = file.at(name + "/best").as<double>();
    const auto count = static_cast<std::int64_t>(p.size());
    const mask truth{1, count, file.at(name + "/truth").as<std::uint8_t>()};
    temperature_fit fit;
    fit.add(p, truth);
    const double t = fit.temperature();
    CHECK(t == doctest::Approx(wanted[0]).epsilon(1e-4));
    CHECK(fit.negative_log_likelihood(1) == doctest::Approx(wanted[1]).epsilon(1e-5));
    CHECK(fit.negative_log_likelihood(t) == doctest::Approx(wanted[2]).epsilon(1e-5));
    calibration_bins before, after;
    auto scaled = p;
    for (float& v : scaled) v = at_temperature(v, t);
    // Those of 0 and 1 stay, and are no part of the comparison.
    const std::span<const float> raw(p.begin() + 60, p.end()), cooled(scaled.begin() + 60, scaled.end());
    const mask inside{1, count - 60, {truth.pixels.begin() + 60, truth.pixels.end()}};
    before.add(raw, inside), after.add(cooled, inside);
    CHECK(fit.calibration_error(1) == doctest::Approx(*expected_calibration_error(std::span(&before, 1))).epsilon(0.02));
    CHECK(fit.calibration_error(t) == doctest::Approx(*expected_calibration_error(std::span(&after, 1))).epsilon(0.05));
    if (i < 2) CHECK(*expected_calibration_error(std::span(&after, 1)) < 0.5 * *expected_calibration_error(std::span(&before, 1)));
  }
}

TEST_CASE("a temperature leaves 0, a half, 1 and the order; without a pixel it is 1") {
  for (const double t : {temperature_fit::lowest, 0.7, 1.0, 3.0, temperature_fit::highest}) {
    CAPTURE(t);
    CHECK(at_temperature(0, t) == 0);
    CHECK(at_temperature(0.5f, t) == 0.5f);
    CHECK(at_temperature(1, t) == 1);
    float last = 0;
    for (float p = 0.01f; p < 0.985f; p += 0.01f) {
      const float now = at_temperature(p, t);
      CHECK((now > last && now < 1));
      last = now;
    }
  }
  CHECK(at_temperature(0.3f, 1) == 0.3f);
  CHECK(at_temperature(0.8f, 2) == doctest::Approx(2.0 / 3));  // of odds 4, their root 2
  temperature_fit none;
  const std::vector<float> certain{0, 1};
  none.add(certain, {1, 2, {1, 1}});
  CHECK(none.temperature() == 1);
  CHECK(none.negative_log_likelihood(1) == 0);
  // All right: certainty only helps, up to the end of the range; all wrong: the other end.
  const std::vector<float> p{0.2f, 0.9f};
  temperature_fit right, wrong;
  right.add(p, {1, 2, {0, 1}}), wrong.add(p, {1, 2, {1, 0}});
  CHECK(right.temperature() == temperature_fit::lowest);
  CHECK(wrong.temperature() == temperature_fit::highest);
  CHECK_THROWS_WITH_AS(right.add(p, {1, 1, {0}}), "dcs::temperature_fit: 2 probabilities for 1 pixels", error);
}

TEST_CASE("where a half parts lesion from all else the likelihood is that of the pixels and is not negative, however small it is") {
  const random_stream random{5, 0};
  std::vector<float> p(50'000);
  mask truth{1, 50'000, std::vector<std::uint8_t>(p.size())};
  for (std::size_t i = 0; i < p.size(); ++i) {
    const float far = 0.002f + 0.49f * random.uniform(i);
    truth.pixels[i] = i % 3 == 0, p[i] = truth.pixels[i] ? 1 - far * 1e-3f : far * 1e-3f;
  }
  temperature_fit fit;
  fit.add(p, truth);
  CHECK(fit.temperature() == temperature_fit::lowest);
  for (const double t : {temperature_fit::lowest, 0.3, 1.0}) {
    CAPTURE(t);
    double sum = 0;
    for (std::size_t i = 0; i < p.size(); ++i) {
      const double q = truth.pixels[i] ? static_cast<double>(p[i]) : 1 - static_cast<double>(p[i]);
      sum += std::log1p(std::pow((1 - q) / q, 1 / t));
    }
    CHECK(fit.negative_log_likelihood(t) > 0);
    CHECK(fit.negative_log_likelihood(t) == doctest::Approx(sum / 50'000).epsilon(1e-3));
  }
}

TEST_CASE("deviation and confidence by hand") {
  const std::vector<prediction> views{{1, 4, {0.9f, 0.9f, 0.2f, 0}, {}}, {1, 4, {0.5f, 0.7f, 0.2f, 1}, {}}};
  const auto deviation = deviation_of(views);
  const std::vector<double> wanted{0.2, 0.1, 0, 0.5};
  for (std::size_t i = 0; i < 4; ++i) CHECK(static_cast<double>(deviation[i]) == doctest::Approx(wanted[i]));
  const label_map lesions{1, 4, {1, 1, 0, 2}};
  const std::vector<float> mean{0.7f, 0.8f, 0.2f, 0.5f};
  const auto sure = lesion_confidences(lesions, mean, deviation, views, 0.6f);
  REQUIRE(sure.size() == 2);
  CHECK(sure[0].probability == doctest::Approx(0.75));
  CHECK(sure[0].deviation == doctest::Approx(0.15));
  CHECK(sure[0].agreement == 1);  // the second view has half of its pixels
  CHECK(sure[1].deviation == doctest::Approx(0.5));
  CHECK(sure[1].agreement == 0.5);
  CHECK_THROWS_WITH_AS(deviation_of({}), "dcs::deviation_of: there is no view; expected at least one", error);
  const std::vector<prediction> unequal{{1, 2, {0, 0}, {}}, {2, 1, {0, 0}, {}}};
  CHECK_THROWS_WITH_AS(deviation_of(unequal), "dcs::deviation_of: a view of 2 × 1 beside one of 1 × 2", error);
}
