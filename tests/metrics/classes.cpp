// The confusion matrix and what is measured by it, against counting by hand; absent classes; pixels that are not labelled.
#include <dcs/core/philox.hpp>
#include <dcs/metrics/classes.hpp>

#include <doctest/doctest.h>

using namespace dcs;

namespace {
label_map map_of(std::int64_t h, std::int64_t w, std::vector<std::int32_t> pixels) { return {h, w, std::move(pixels)}; }
label_map random_map(std::uint64_t seed, std::int64_t h, std::int64_t w, std::int32_t low, std::int32_t classes) {
  label_map m{h, w, std::vector<std::int32_t>(static_cast<std::size_t>(h * w))};
  for (std::size_t i = 0; i < m.pixels.size(); ++i)
    m.pixels[i] = low + static_cast<std::int32_t>(random_stream{seed, 2}.below(i, static_cast<std::uint32_t>(classes - low)));
  return m;
}
}  // namespace

TEST_CASE("measures by hand") {
  confusion_matrix m(4);
  m.add(map_of(2, 4, {0, 0, 1, 1, 1, 2, 0, 0}), map_of(2, 4, {0, 0, 0, 1, 1, 1, -1, 0}));
  CHECK(m.pixels() == 7);
  CHECK(m.count(0, 0) == 3);
  CHECK(m.count(0, 1) == 1);
  CHECK(m.count(1, 2) == 1);
  CHECK((m.wanted(0) == 4 && m.found(0) == 3 && m.wanted(1) == 3 && m.found(1) == 3 && m.wanted(2) == 0 && m.found(2) == 1));
  CHECK(*m.dice(0) == doctest::Approx(6.0 / 7));
  CHECK(*m.iou(0) == doctest::Approx(3.0 / 4));
  CHECK(*m.dice(1) == doctest::Approx(4.0 / 6));
  CHECK(*m.iou(1) == doctest::Approx(2.0 / 4));
  CHECK(*m.precision(1) == doctest::Approx(2.0 / 3));
  CHECK(*m.recall(0) == doctest::Approx(3.0 / 4));
  // Predicted and true nowhere: 0, and no recall. Absent: no value, and no part of a mean.
  CHECK((m.dice(2) == 0 && m.iou(2) == 0 && m.precision(2) == 0 && !m.recall(2)));
  CHECK((!m.dice(3) && !m.iou(3) && !m.precision(3) && !m.recall(3)));
  CHECK(*m.mean_iou() == doctest::Approx((0.75 + 0.5 + 0) / 3));
  CHECK(*m.mean_iou(1) == doctest::Approx((0.5 + 0) / 2));
  CHECK(*m.mean_dice() == doctest::Approx((6.0 / 7 + 4.0 / 6) / 3));
  CHECK(*m.accuracy() == doctest::Approx(5.0 / 7));
  CHECK_FALSE(m.mean_iou(3));
  const confusion_matrix none(2);
  CHECK((!none.mean_iou() && !none.mean_dice() && !none.accuracy() && none.pixels() == 0));
}

TEST_CASE("measures equal their definition on random maps, and parts of a set add up") {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const std::int32_t classes = 1 + static_cast<std::int32_t>(seed % 6);
    const label_map a = random_map(seed, 9, 7, 0, classes), b = random_map(seed + 100, 9, 7, -1, classes),
                    c = random_map(seed + 200, 5, 4, 0, classes);
    confusion_matrix m(classes), first(classes), second(classes);
    m.add(a, b), m.add(c, c);
    first.add(a, b), second.add(c, c), first += second;
    for (std::int32_t k = 0; k < classes; ++k) {
      std::int64_t both = 0, either = 0;
      for (const auto& [p, t] : {std::pair(&a, &b), std::pair(&c, &c)})
        for (std::size_t i = 0; i < p->pixels.size(); ++i) {
          if (t->pixels[i] < 0) continue;
          both += p->pixels[i] == k && t->pixels[i] == k, either += p->pixels[i] == k || t->pixels[i] == k;
        }
      if (either == 0) {
        CHECK_FALSE(m.iou(k));
        continue;
      }
      const double iou = static_cast<double>(both) / static_cast<double>(either);
      CHECK(*m.iou(k) == doctest::Approx(iou));
      CHECK(*m.dice(k) == doctest::Approx(2 * iou / (1 + iou)));
      for (std::int32_t j = 0; j < classes; ++j) CHECK(first.count(k, j) == m.count(k, j));
    }
  }
}

TEST_CASE("the most probable class of each pixel, the first of equals") {
  const auto x = tensor<float, shape<2, 1, 2, 3>>::from(std::vector<float>{0, 2, 1, 5, 5, 4, -1, -2, -0.5f, 0, 0, 0});
  const auto maps = most_probable_classes(x);
  REQUIRE(maps.size() == 2);
  CHECK((maps[0].height == 1 && maps[0].width == 2));
  CHECK(maps[0].pixels == std::vector<std::int32_t>{1, 0});
  CHECK(maps[1].pixels == std::vector<std::int32_t>{2, 0});
}

TEST_CASE("what does not fit is an error, and counts nothing") {
  confusion_matrix m(2);
  CHECK_THROWS_WITH_AS(m.add(map_of(1, 2, {0, 0}), map_of(2, 1, {0, 0})), "dcs::confusion_matrix: the prediction is 1 × 2, the truth 2 × 1", error);
  CHECK_THROWS_WITH_AS(m.add(map_of(1, 2, {0, 0}), map_of(1, 2, {1, 2})), "dcs::confusion_matrix: the truth has class 2; expected at most 1", error);
  CHECK_THROWS_WITH_AS(m.add(map_of(1, 2, {0, -1}), map_of(1, 2, {1, 1})), "dcs::confusion_matrix: the prediction has class -1; expected 0 to 1",
                       error);
  CHECK(m.pixels() == 0);
  CHECK_THROWS_WITH_AS(confusion_matrix(0), "dcs::confusion_matrix: 0 classes; expected at least 1", error);
  CHECK_THROWS_AS(m += confusion_matrix(3), error);
  CHECK_THROWS_AS((void)m.count(2, 0), error);
}
