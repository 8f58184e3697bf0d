// Polygons: which pixels are inside, by the rule that the header states; outlines beyond the image; small ones.
#include <dcs/image/polygon.hpp>

#include <doctest/doctest.h>

#include <limits>
#include <string>

using namespace dcs;

namespace {
std::string drawn(const std::vector<polygon_point>& corners, std::int64_t h, std::int64_t w) {
  std::string text(static_cast<std::size_t>(h * w), '.');
  for_each_pixel_inside(corners, h, w, [&](std::int64_t y, std::int64_t x) { text.at(static_cast<std::size_t>(y * w + x)) = '#'; });
  return text;
}
}  // namespace

TEST_CASE("polygon: pixels whose centre is inside") {
  CHECK(drawn({{1, 1}, {4, 1}, {4, 3}, {1, 3}}, 4, 5) ==
        "....."
        ".###."
        ".###."
        ".....");
  CHECK(drawn({{1, 3}, {4, 3}, {4, 1}, {1, 1}}, 4, 5) ==
        "....."
        ".###."
        ".###."
        ".....");  // the other way round
  CHECK(drawn({{0.6, 0.6}, {2.4, 0.6}, {2.4, 2.4}, {0.6, 2.4}}, 3, 3) ==
        "..."
        ".#."
        "...");
  CHECK(drawn({{0, 0}, {4, 0}, {0, 4}}, 4, 4) ==
        "###."
        "##.."
        "#..."
        "....");
  CHECK(drawn({{-9, -9}, {99, -9}, {99, 99}, {-9, 99}}, 2, 3) == "######");
  // Two squares in one outline that crosses itself: where they overlap the ray crosses twice.
  CHECK(drawn({{0, 0}, {4, 0}, {4, 1}, {0, 1}, {0, 0}, {2, 0}, {2, 1}, {0, 1}}, 1, 4) == "..##");
  CHECK(drawn({{-5, 0}, {-1, 0}, {-1, 2}, {-5, 2}}, 2, 3) == "......");
}

TEST_CASE("polygon: one that holds no centre keeps a pixel; beside the image none") {
  CHECK(drawn({{1.6, 1.6}, {1.9, 1.6}, {1.9, 1.9}}, 3, 3) ==
        "..."
        ".#."
        "...");
  CHECK(drawn({{5.6, 1.6}, {5.9, 1.6}, {5.9, 1.9}}, 3, 3) == ".........");
}

TEST_CASE("polygon: what is none is an error") {
  CHECK_THROWS_AS((void)drawn({{0, 0}, {1, 1}}, 3, 3), error);
  for (const double far : {1e10, -1e300, std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()})
    CHECK_THROWS_AS((void)drawn({{0, 0}, {1, far}, {2, 2}}, 3, 3), error);
}
