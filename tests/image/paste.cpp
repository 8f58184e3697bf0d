// Pasting worked by hand, there is no reference for it; and that a region lies where its object is, at every size.
#include <dcs/image/prediction.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

using namespace dcs;

TEST_CASE("pasting: pixel j of x1 to x2 samples at (j - x1) * base / (x2 - x1) - 1/2, clamped") {
  const std::vector<double> ramp{0, 1, 0, 1};  // 2 x 2, rising to the right
  std::vector<double> image(6 * 6, 0.0);
  paste(ramp.data(), 2, box<double>{0, 0, 4, 4}, image.data(), 6, 6);
  const double row[6] = {0, 0, 0.5, 1, 1, 0};  // u = -0.5, 0, 0.5, 1, 1.5; pixel 5 is outside
  for (int i = 0; i < 6; ++i)
    for (int j = 0; j < 6; ++j) CHECK(image[static_cast<std::size_t>(i * 6 + j)] == doctest::Approx(i <= 4 ? row[j] : 0));

  // Corners between pixels: 1.5 <= j <= 3.5 are pixels 2 and 3, at u = 0 and 1; rows 0.25 to 2.25 are 1 and 2, at u = 0.25 and 1.
  const std::vector<double> corner{0, 0, 0, 1};
  std::vector<double> between(6 * 6, 0.0);
  paste(corner.data(), 2, box<double>{1.5, 0.25, 3.5, 2.25}, between.data(), 6, 6);
  double sum = 0;
  for (double v : between) sum += v;
  CHECK(between[1 * 6 + 3] == doctest::Approx(0.25));
  CHECK(between[2 * 6 + 3] == doctest::Approx(1));
  CHECK(sum == doctest::Approx(1.25));
}

TEST_CASE("pasting: the larger probability stays; a box beyond the image writes inside only; one without a pixel writes nothing") {
  const std::vector<float> low(4, 0.25f), high(4, 0.75f);
  std::vector<float> image(4 * 5, 0.0f);
  paste(high.data(), 2, box<float>{0, 0, 2, 3}, image.data(), 4, 5);
  paste(low.data(), 2, box<float>{-3, -3, 40, 40}, image.data(), 4, 5);
  for (int i = 0; i < 4; ++i)
    for (int j = 0; j < 5; ++j) CHECK(image[static_cast<std::size_t>(i * 5 + j)] == (j <= 2 ? 0.75f : 0.25f));
  const auto before = image;
  for (const float far : {3e38f, std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
    paste(high.data(), 2, box<float>{0, -far, far, 0}, image.data(), 4, 5);
    paste(high.data(), 2, box<float>{-far, 0, 4, far}, image.data(), 4, 5);
  }
  paste(high.data(), 2, box<float>{3.2f, 1.2f, 3.8f, 1.8f}, image.data(), 4, 5);
  CHECK(image == before);
}

namespace {

// A region in an image of 64 × 48 that shows a disc, with soft edge, of this middle and radius in the image's pixels.
segmented_region disc_region(const box<float>& b, double cy, double cx, double radius) {
  constexpr std::int64_t side = 32;
  segmented_region r{b, 1, side, {}};
  for (std::int64_t i = 0; i < side; ++i)
    for (std::int64_t j = 0; j < side; ++j) {
      const double y = static_cast<double>(b.y1) + (static_cast<double>(i) + 0.5) * static_cast<double>(b.height()) / side,
                   x = static_cast<double>(b.x1) + (static_cast<double>(j) + 0.5) * static_cast<double>(b.width()) / side;
      r.probabilities.push_back(static_cast<float>(std::clamp(0.5 + radius - std::hypot(y - cy, x - cx), 0.0, 1.0)));
    }
  return r;
}

}  // namespace

TEST_CASE("a disc lies where it is at every size, to a twentieth of a pixel, and covers its share of the image") {
  constexpr std::int64_t height = 64, width = 48;
  constexpr std::int64_t sizes[][2] = {{64, 48}, {63, 50}, {256, 192}, {300, 100}, {157, 411}, {40, 70}};
  for (const auto& size : sizes) {
    const std::int64_t h = size[0], w = size[1];
    CAPTURE(h);
    CAPTURE(w);
    const double down = static_cast<double>(h) / height, across = static_cast<double>(w) / width;
    constexpr int discs = 200;
    double off_y = 0, off_x = 0, area = 0, expected = 0;
    for (int k = 0; k < discs; ++k) {
      const double cy = 20 + 20 * std::fmod(k * 0.618034, 1.0), cx = 18 + 12 * std::fmod(k * 0.754878, 1.0),
                   radius = 3 + 3 * std::fmod(k * 0.569840, 1.0);
      const auto corner = [&](double middle, double step) { return static_cast<float>(middle + step * (9 + 2 * std::fmod(k * 0.437016, 1.0))); };
      prediction p{height, width, std::vector<float>(height * width, 0.0f), {}};
      p.regions = {disc_region({corner(cx, -1), corner(cy, -1), corner(cx, 1.1), corner(cy, 0.9)}, cy, cx, radius)};
      paste(p.regions[0].probabilities.data(), 32, p.regions[0].box, p.probability.data(), height, width);
      const mask m = p.resized(h, w).above();
      double y = 0, x = 0;
      for (std::int64_t i = 0; i < h; ++i)
        for (std::int64_t j = 0; j < w; ++j)
          if (m.at(i, j)) y += static_cast<double>(i), x += static_cast<double>(j);
      const auto count = static_cast<double>(m.count());
      // In areas: a pixel's middle lies half a pixel behind its beginning, at both sizes.
      off_y += (y / count - ((cy + 0.5) * down - 0.5)) / discs, off_x += (x / count - ((cx + 0.5) * across - 0.5)) / discs;
      area += count, expected += 3.14159265 * radius * radius * down * across;
    }
    CHECK(std::abs(off_y) < 0.05);
    CHECK(std::abs(off_x) < 0.05);
    CHECK(area == doctest::Approx(expected).epsilon(0.02));
  }
}

TEST_CASE("a box over the whole image reaches every pixel at every size; one that ends inside ends at its place") {
  prediction p{8, 6, std::vector<float>(48, 1.0f), {}};
  p.regions = {{{0, 0, 6, 8}, 1, 2, std::vector<float>(4, 1.0f)}};
  for (const auto& [h, w] : {std::pair<std::int64_t, std::int64_t>{16, 6}, {40, 60}, {3, 5}, {1, 1}, {9, 7}})
    CHECK(p.resized(h, w).above().count() == h * w);
  // Columns 2 to 4 in their middles are columns 10 - ½ to 18 - ½ of four times as many: 10 to 17.
  p.regions[0].box = {2, 0, 4, 8};
  const mask m = p.resized(8, 24).above();
  for (std::int64_t x = 0; x < 24; ++x) CHECK(m.at(3, x) == (x >= 10 && x <= 17));
}

TEST_CASE("checked probabilities are from 0 to 1, and what is no number is refused, in regions too") {
  const float past = std::nextafter(1.0f, 2.0f), none = std::numeric_limits<float>::quiet_NaN();
  prediction p{2, 2, {past, -1e-8f, 0.5f, 1}, {}};
  CHECK(p.checked("a.png", 2, 2).probability == std::vector<float>{1, 0, 0.5f, 1});
  CHECK(p.resized(2, 2).probability == p.probability);
  p.probability[3] = none;
  CHECK_THROWS_WITH_AS(p.checked("a.png", 4, 4), "a.png: a predicted probability is not a number", error);
  p = {2, 2, std::vector<float>(4, 0.0f), {}, {{{0, 0, 2, 2}, 1, 2, {0.5f, none, 0.5f, 0.5f}}}};
  CHECK_THROWS_WITH_AS(p.checked("b.png", 4, 4), "b.png: a predicted probability is not a number", error);
}

TEST_CASE("at the input's size a prediction is its probability to the bit; at others it is made of its regions, without them of its probability") {
  prediction p{4, 4, std::vector<float>(16, 0.3f), {}};
  p.regions = {{{0, 0, 3, 3}, 0.9f, 1, {0.7f}}, {{1, 1, 2, 2}, 0.8f, 1, {0.8f}}};
  CHECK(p.resized(4, 4).probability == p.probability);
  const auto larger = p.resized(8, 8);
  CHECK((larger.detections.empty() && larger.regions.empty()));
  CHECK((larger.probability[0] == 0.7f && larger.probability[3 * 8 + 3] == 0.8f && larger.probability[7 * 8 + 7] == 0.7f));
  p.regions.clear();
  for (const float v : p.resized(8, 8).probability) CHECK(v == doctest::Approx(0.3f));
  // A box that is no place, as a network whose numbers have overflowed may give, covers nothing.
  p.regions = {{{NAN, 0, 3, 3}, 1, 1, {0.9f}}, {{0, -INFINITY, INFINITY, 0}, 1, 1, {NAN}}};
  CHECK(p.resized(8, 8).above().count() == 0);
}
