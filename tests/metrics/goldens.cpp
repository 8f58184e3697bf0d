// Metrics against MONAI's, SciPy's, scikit-learn's and pycocotools': tests/goldens/metrics.py.
#include <dcs/metrics/average_precision.hpp>
#include <dcs/metrics/calibration.hpp>
#include <dcs/metrics/froc.hpp>
#include <dcs/metrics/lesions.hpp>

#include "../ops/goldens.hpp"

#include <doctest/doctest.h>

using namespace dcs;

namespace {

const io::safetensors& file() {
  static const io::safetensors f = test::goldens("metrics");
  return f;
}
template <class T = double>
std::vector<T> numbers(const std::string& name) {
  return file().at(name).as<T>();
}
mask mask_at(const std::string& name) {
  const auto& t = file().at(name);
  return {t.shape[0], t.shape[1], t.as<std::uint8_t>()};
}
void check_near(const std::vector<double>& got, const std::vector<double>& want, double tolerance) {
  REQUIRE(got.size() == want.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    CAPTURE(i);
    CHECK(std::abs(got[i] - want[i]) <= tolerance * (1 + std::abs(want[i])));
  }
}

}  // namespace

TEST_CASE("overlap and surface distances equal MONAI's and scikit-learn's, components and matches SciPy's") {
  std::size_t missed = 0, found = 0;
  int cases = 0;
  for (; file().contains("mask." + std::to_string(cases) + "/truth"); ++cases) {
    CAPTURE(cases);
    const std::string name = "mask." + std::to_string(cases);
    const mask truth = mask_at(name + "/truth"), prediction = mask_at(name + "/prediction");
    const auto m = measure(prediction, truth);
    check_near({m.dice, m.iou, m.precision, m.recall}, numbers(name + "/overlap"), 1e-6);
    std::vector<double> surfaces;
    const surface_options each[] = {{{1, 1}, 1}, {{1, 1}, 2}, {{0.7, 1.3}, 1}, {{0.5, 0.25}, 0.5}};
    for (const auto& o : each) {
      const auto s = measure(prediction, truth, o);
      surfaces.insert(surfaces.end(), {s.hd95, s.assd, s.surface_dice});
      CHECK(hausdorff_95(truth, prediction, o.spacing) == s.hd95);
    }
    check_near(surfaces, numbers(name + "/surfaces"), 1e-5);
    const label_map labels = connected_components(truth);
    CHECK(labels.pixels == numbers<std::int32_t>(name + "/components"));
    const auto lesions = measure_lesions(connected_components(prediction), labels, std::vector<float>(truth.pixels.size(), 1));
    std::vector<std::int64_t> matches;
    for (const auto& t : lesions.truth) matches.push_back(t.match), ++(t.match < 0 ? missed : found);
    CHECK(matches == numbers<std::int64_t>(name + "/matches"));
  }
  CHECK(cases == 6);
  CHECK((missed >= 3 && found >= 10));
}

TEST_CASE("sensitivities of FROC equal MONAI's, with scores that are equal") {
  int cases = 0;
  for (; file().contains("froc." + std::to_string(cases) + "/hit"); ++cases) {
    CAPTURE(cases);
    const std::string name = "froc." + std::to_string(cases);
    const auto hit = numbers(name + "/hit"), wrong = numbers(name + "/wrong");
    const auto counts = numbers<std::int64_t>(name + "/counts");
    std::vector<froc_candidate> candidates;
    for (const double s : wrong) candidates.push_back({candidates.size() % static_cast<std::size_t>(counts[0]), s, false});
    for (const double s : hit) candidates.push_back({candidates.size() % static_cast<std::size_t>(counts[0]), s, true});
    std::vector<double> lesions(static_cast<std::size_t>(counts[0]), 0);
    lesions[0] = static_cast<double>(hit.size()) + static_cast<double>(counts[1]);
    const froc_curve curve(candidates, lesions);
    std::vector<double> at;
    for (const double rate : froc_rates) at.push_back(*curve.sensitivity(rate));
    check_near(at, numbers(name + "/sensitivity"), 1e-12);
    check_near({*curve.mean_sensitivity()}, numbers(name + "/mean"), 1e-12);
  }
  CHECK(cases == 3);
}

TEST_CASE("average precision equals pycocotools', by size too") {
  const auto truth = numbers("boxes/truth"), predicted = numbers("boxes/predicted");
  const auto within = [](double area, double low, double high) { return area >= low && area <= high; };
  const auto images = [&](double low, double high) {
    std::vector<image_boxes> all(12);
    for (std::size_t i = 0; i < truth.size(); i += 6)
      all[static_cast<std::size_t>(truth[i])].truth.push_back(
          {{truth[i + 1], truth[i + 2], truth[i + 3], truth[i + 4]}, !within(truth[i + 5], low, high)});
    for (std::size_t i = 0; i < predicted.size(); i += 6) {
      const box<double> b{predicted[i + 1], predicted[i + 2], predicted[i + 3], predicted[i + 4]};
      all[static_cast<std::size_t>(predicted[i])].predicted.push_back({b, predicted[i + 5], !within(b.area(), low, high)});
    }
    return all;
  };
  const coco_average_precision all(images(0, 1e10));
  std::vector<double> got{*all(), *all.at_50()()};
  const double limits[] = {0, 32 * 32, 96 * 96, 1e10};
  for (int k = 0; k < 3; ++k) got.push_back(*coco_average_precision(images(limits[k], limits[k + 1]))());
  check_near(got, numbers("boxes/ap"), 1e-12);
}

TEST_CASE("the expected calibration error equals scikit-learn's and MONAI's") {
  const auto probability = numbers<float>("calibration/probability");
  const mask truth{30, 100, numbers<std::uint8_t>("calibration/truth")};
  std::vector<double> got;
  for (const int bins : {10, 15}) {
    // As three images, whose bins add up.
    std::vector<calibration_bins> images(3, calibration_bins(bins));
    for (std::size_t i = 0; i < 3; ++i)
      images[i].add(
          std::span(probability).subspan(i * 1000, 1000),
          {10, 100, {truth.pixels.begin() + static_cast<std::int64_t>(i) * 1000, truth.pixels.begin() + static_cast<std::int64_t>(i + 1) * 1000}});
    got.push_back(*expected_calibration_error(images));
  }
  check_near(got, numbers("calibration/error"), 1e-6);
}
