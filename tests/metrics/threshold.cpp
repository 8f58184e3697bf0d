#include <dcs/data/sample.hpp>
#include <dcs/metrics/threshold.hpp>

#include <doctest/doctest.h>

using namespace dcs;

namespace {

// Images of 2 × 2 by their greys; channels lie around the grey.
struct greys {
  std::vector<std::array<float, 4>> grey;
  std::vector<std::array<std::uint8_t, 4>> object;
  std::int64_t size() const { return static_cast<std::int64_t>(grey.size()); }
  sample load(std::int64_t i) const {
    const auto k = static_cast<std::size_t>(i);
    sample s{"greys", {2, 2, 3, {}}, {2, 2, {object[k].begin(), object[k].end()}}, 2, 2};
    for (float g : grey[k]) s.pixels.pixels.insert(s.pixels.pixels.end(), {g - 3, g + 5, g - 2});
    return s;
  }
};

const std::array<float, 4> a{10, 100, 150, 200}, b{20, 120, 160, 220};

std::array<float, 4> inverted(std::array<float, 4> g) {
  for (float& v : g) v = 255 - v;
  return g;
}

}  // namespace

TEST_CASE("the best threshold by hand: one for all images, of bright objects or of dark ones") {
  // Alone, each image has a threshold without an error. Of the two, above 121 to 150: 1 and 2/3; above 161 to 200: 2/3 and 1; no other is better.
  CHECK(best_threshold_dice(greys{{a}, {{0, 0, 1, 1}}}) == doctest::Approx(1));
  CHECK(best_threshold_dice(greys{{b}, {{0, 0, 0, 1}}}) == doctest::Approx(1));
  CHECK(best_threshold_dice(greys{{a, b}, {{0, 0, 1, 1}, {0, 0, 0, 1}}}) == doctest::Approx(5.0 / 6));
  CHECK(best_threshold_dice(greys{{inverted(a), inverted(b)}, {{0, 0, 1, 1}, {0, 0, 0, 1}}}) == doctest::Approx(5.0 / 6));
  // The brightest and the darkest pixel: all four pixels hit both, the brightest alone is one of two; either is 2/3.
  CHECK(best_threshold_dice(greys{{a}, {{1, 0, 0, 1}}}) == doctest::Approx(2.0 / 3));
}

TEST_CASE("the best threshold for an image without objects: Dice is 1 where no pixel is above it") {
  CHECK(best_threshold_dice(greys{{{5, 5, 5, 5}}, {{0, 0, 0, 0}}}) == 1);
  CHECK(best_threshold_dice(greys{{a, {5, 5, 5, 5}}, {{0, 0, 1, 1}, {0, 0, 0, 0}}}) == doctest::Approx(1));
  // Nothing is above 181 and more, where the other image has 1 of 2.
  CHECK(best_threshold_dice(greys{{a, {180, 180, 180, 180}}, {{0, 0, 1, 1}, {0, 0, 0, 0}}}) == doctest::Approx((2.0 / 3 + 1) / 2));
}
