// Pixels of an overlay by hand: contours and boxes where they belong, the inset in the corner away from the lesion.
#include <dcs/image/overlay.hpp>

#include <array>

#include <doctest/doctest.h>

using namespace dcs;

namespace {

using colour = std::array<int, 3>;
constexpr colour green{0, 220, 0}, red{255, 40, 40}, yellow{255, 220, 0}, white{255, 255, 255}, grey{90, 90, 90};

colour at(const image& i, std::int64_t y, std::int64_t x) {
  const auto* p = i.pixels.data() + (y * i.width + x) * 3;
  return {p[0], p[1], p[2]};
}
std::int64_t count(const image& i, const colour& c) {
  std::int64_t n = 0;
  for (std::int64_t y = 0; y < i.height; ++y)
    for (std::int64_t x = 0; x < i.width; ++x) n += at(i, y, x) == c;
  return n;
}
float_image flat(std::int64_t h, std::int64_t w) { return {h, w, 3, std::vector<float>(static_cast<std::size_t>(h * w * 3), 90)}; }
mask rectangle(std::int64_t h, std::int64_t w, std::int64_t y1, std::int64_t x1, std::int64_t y2, std::int64_t x2) {
  mask m{h, w, std::vector<std::uint8_t>(static_cast<std::size_t>(h * w), 0)};
  for (std::int64_t y = y1; y <= y2; ++y)
    for (std::int64_t x = x1; x <= x2; ++x) m.at(y, x) = 1;
  return m;
}

}  // namespace

TEST_CASE("without anything to draw the overlay is the image, twice as large") {
  const auto o = draw_overlay(flat(10, 14), {}, rectangle(10, 14, 1, 1, 0, 0), {});
  CHECK(o.height == 20);
  CHECK(o.width == 28);
  CHECK(o.channels == 3);
  CHECK(count(o, grey) == 20 * 28);
}

TEST_CASE("contours lie on the outer pixels of truth and prediction, boxes on their corners") {
  // A lesion as large as the image leaves no room for an inset.
  const auto o = draw_overlay(flat(20, 20), rectangle(20, 20, 2, 2, 17, 17), rectangle(20, 20, 5, 6, 9, 12), {{1, 0, 19, 18}});
  CHECK(at(o, 4, 4) == green);
  CHECK(at(o, 35, 35) == green);
  CHECK(at(o, 4, 3) == grey);
  CHECK(at(o, 5, 5) == grey);
  CHECK(at(o, 10, 12) == red);
  CHECK(at(o, 19, 25) == red);
  CHECK(at(o, 11, 13) == grey);
  CHECK(at(o, 0, 2) == yellow);
  CHECK(at(o, 36, 38) == yellow);
  CHECK(count(o, red) == 2 * (10 + 14) - 4);
}

TEST_CASE("the inset enlarges a small lesion in the opposite corner") {
  for (const bool low : {false, true}) {
    const std::int64_t c = low ? 50 : 10;
    const auto m = rectangle(64, 64, c, c, c + 3, c + 3);
    const auto o = draw_overlay(flat(64, 64), m, m, {});
    CHECK(count(o, white) > 100);
    CHECK(count(o, green) == 0);  // prediction is drawn last
    // The lesion is 8 × 8 on the picture; in the inset each side is at least 12.
    CHECK(count(o, red) >= 28 + 44);
    CHECK(at(o, low ? 1 : 126, low ? 3 : 100) == white);
    CHECK(at(o, 2 * c, 2 * c) == red);
  }
  // Without a truth the prediction is enlarged.
  const auto o = draw_overlay(flat(64, 64), {}, rectangle(64, 64, 10, 10, 13, 13), {});
  CHECK(count(o, white) > 100);
}
