// The figures of a set by hand: means by size, lesions that are matched or invented, boxes; and what two networks differ by.
#include <dcs/metrics/comparison.hpp>

#include <doctest/doctest.h>

#include <set>

using namespace dcs;

namespace {

constexpr size_limits limits{10, 100};

// An image with Dice d, of lesions of these pixels of which those of a Dice above 0 are matched in turn, and invented ones of these pixels.
image_result result(const char* name, double d, const std::vector<std::pair<std::int64_t, double>>& lesions,
                    const std::vector<std::int64_t>& invented = {}) {
  image_result r{name, "", {}, {}, {}, {}};
  r.metrics.dice = d;
  for (const auto& [pixels, dice] : lesions) {
    true_lesion t{pixels, -1, {}};
    t.metrics.dice = dice;
    if (dice > 0) {
      t.match = static_cast<std::int32_t>(r.lesions.predicted.size());
      r.lesions.predicted.push_back({pixels + 1, 0.9, static_cast<std::int32_t>(r.lesions.truth.size())});
    }
    r.lesions.truth.push_back(t);
    const auto place = static_cast<double>(100 * r.true_boxes.size());
    r.true_boxes.push_back({{place, 0, place + 20, 20}, pixels});
    if (dice > 0) r.predicted_boxes.push_back({{place, 0, place + 20, 20}, 0.9});
  }
  for (const auto pixels : invented) {
    r.lesions.predicted.push_back({pixels, 0.8, -1});
    r.predicted_boxes.push_back({{0, 300, 9 + static_cast<double>(pixels), 310}, 0.95});
  }
  r.calibration.add(std::vector<float>{0.1f, 0.8f}, {1, 2, {0, lesions.empty() ? std::uint8_t{0} : std::uint8_t{1}}});
  return r;
}
// A missed small lesion and a found large one; a found small one and two invented ones, of which one is large; an image without a lesion.
std::vector<image_result> three_images() {
  return {result("a", 0.5, {{5, 0}, {200, 0.75}}), result("b", 0.25, {{6, 0.5}}, {3, 150}), result("c", 1, {})};
}
std::optional<double> value(const std::vector<image_result>& images, const std::string& name, stratum s = stratum::all) {
  for (const auto& f : figures_of(images, limits))
    if (f.name == name && f.stratum == s) return f.value({});
  FAIL("no figure ", name);
  return {};
}

}  // namespace

TEST_CASE("means over images are in the stratum of the largest lesion, those over lesions in their own") {
  const auto images = three_images();
  CHECK(*value(images, "image.dice") == doctest::Approx(1.75 / 3));
  CHECK(*value(images, "image.dice", stratum::small) == 0.25);
  CHECK(*value(images, "image.dice", stratum::large) == 0.5);
  CHECK_FALSE(value(images, "image.dice", stratum::medium));
  CHECK(*value(images, "lesion.dice") == doctest::Approx(1.25 / 3));
  CHECK(*value(images, "lesion.dice", stratum::small) == 0.25);
  CHECK(*value(images, "pixel.ece", stratum::large) == doctest::Approx((0.1 + 0.2) / 2));
}

TEST_CASE("a predicted lesion counts in the stratum of its match, without one in that of its size") {
  const auto images = three_images();
  CHECK(*value(images, "detection.sensitivity") == doctest::Approx(2.0 / 3));
  CHECK(*value(images, "detection.precision") == doctest::Approx(2.0 / 4));
  CHECK(*value(images, "detection.f1") == doctest::Approx(4.0 / 7));
  CHECK(*value(images, "detection.sensitivity", stratum::small) == 0.5);
  CHECK(*value(images, "detection.precision", stratum::small) == 0.5);
  CHECK(*value(images, "detection.precision", stratum::large) == 0.5);
  CHECK_FALSE(value(images, "detection.sensitivity", stratum::medium));
  CHECK(*value(images, "detection.froc_0.125") == doctest::Approx(2.0 / 3));  // both hits have higher scores
  CHECK(*value(images, "box.ap50", stratum::large) == doctest::Approx(0.5));  // the invented large one has the highest score
  CHECK(*value(images, "box.ap", stratum::small) == doctest::Approx(0.5 * 51 / 101));
}

TEST_CASE("nothing is predicted, or nothing is there") {
  const std::vector<image_result> missed{result("a", 0, {{5, 0}})}, nothing{result("a", 1, {})}, invented{result("a", 0, {}, {3})};
  for (const char* name : {"detection.sensitivity", "detection.precision", "detection.f1", "detection.froc_mean", "box.ap"}) {
    CAPTURE(name);
    CHECK(*value(missed, name) == 0);
    CHECK_FALSE(value(nothing, name));
  }
  CHECK((*value(invented, "detection.precision") == 0 && *value(invented, "detection.f1") == 0 && !value(invented, "detection.sensitivity")));
  CHECK_THROWS_AS(figures_of({}, limits), error);
}

TEST_CASE("every figure has its own name and stratum, and gives the same with every image drawn twice") {
  const auto images = three_images();
  std::set<std::pair<std::string, stratum>> seen;
  const std::vector<std::uint32_t> twice(images.size(), 2);
  for (const auto& f : figures_of(images, limits)) {
    CAPTURE(f.name);
    CHECK(seen.emplace(f.name, f.stratum).second);
    const auto once = f.value({}), again = f.value(twice);
    REQUIRE(once.has_value() == again.has_value());
    if (once) CHECK(*again == doctest::Approx(*once));
  }
  CHECK(seen.size() == 4 * (7 + 7 + 3 + 8 + 2 + 1));
}

TEST_CASE("the paired difference of two networks, its interval and its test, by groups too") {
  std::vector<image_result> a, b;
  for (int i = 0; i < 8; ++i) {
    a.push_back(result("x", 0.5 + 0.03 * i, {{5, 0.5}}));
    b.push_back(result("x", 0.5 + 0.03 * i + 0.01 * (i + 1), {{5, 0.5}}));
  }
  const auto first = figures_of(a, limits)[0], second = figures_of(b, limits)[0];
  const auto alone = numbers_of_groups(std::vector<std::string>(8));
  const auto d = *compare(first, second, alone, bootstrap(alone));
  CHECK(d.difference.value == doctest::Approx(0.045));
  CHECK((d.difference.low > 0.01 && d.difference.low < 0.045 && d.difference.high > 0.045 && d.difference.high < 0.08));
  REQUIRE(d.test);
  CHECK((d.test->pairs == 8 && d.test->p == doctest::Approx(2.0 / 256)));
  const auto pairs = numbers_of_groups({"p", "p", "q", "q", "r", "r", "q", "q"});
  CHECK(pairs == std::vector<std::int32_t>{0, 0, 1, 1, 2, 2, 1, 1});
  CHECK(compare(first, second, pairs, bootstrap(pairs))->test->p == doctest::Approx(2.0 / 8));
  // No test where the figure is no mean; nothing where a network does not define it.
  for (const auto& f : figures_of(a, limits)) {
    const auto same = compare(f, f, alone, bootstrap(alone, {.replicates = 20}));
    CHECK(same.has_value() == f.value({}).has_value());
    if (same) CHECK((same->difference.value == 0 && same->test.has_value() == (f.mean != nullptr)));
  }
}
