// Augmentation: each change by itself, on images where the result is known; then all together, many times.
#include <dcs/data/augment.hpp>

#include <doctest/doctest.h>

using namespace dcs;

namespace {

augment_options nothing() {
  augment_options o;
  o.flip_horizontal = o.flip_vertical = o.quarter_turn = o.affine = o.grid = o.brightness_contrast = o.gamma = o.noise = o.blur = 0;
  return o;
}

// Every pixel its own value.
float_image numbered(std::int64_t side) {
  float_image f{side, side, 3, {}};
  for (std::int64_t p = 0; p < side * side * 3; ++p) f.pixels.push_back(static_cast<float>(p % 251));
  return f;
}
mask marked(const float_image& f) {
  mask m{f.height, f.width, {}};
  for (std::int64_t p = 0; p < f.height * f.width; ++p) m.pixels.push_back(f.pixels[static_cast<std::size_t>(3 * p)] > 128);
  return m;
}

// A disc as a mask and as an image, which must be mapped alike.
std::pair<float_image, mask> disc(std::int64_t side, double cy, double cx, double radius) {
  float_image f{side, side, 3, std::vector<float>(static_cast<std::size_t>(side * side * 3), 0)};
  mask m{side, side, std::vector<std::uint8_t>(static_cast<std::size_t>(side * side), 0)};
  for (std::int64_t y = 0; y < side; ++y)
    for (std::int64_t x = 0; x < side; ++x)
      if (std::hypot(static_cast<double>(y) - cy, static_cast<double>(x) - cx) <= radius) {
        m.at(y, x) = 1;
        for (std::int64_t c = 0; c < 3; ++c) f.at(y, x, c) = 255;
      }
  return {f, m};
}

}  // namespace

TEST_CASE("augmentation with all probabilities 0 changes nothing") {
  auto f = numbered(9);
  auto m = marked(f);
  const auto f0 = f;
  const auto m0 = m;
  augment(nothing(), f, m, random_stream{1, 2});
  CHECK(f.pixels == f0.pixels);
  CHECK(m.pixels == m0.pixels);
}

TEST_CASE("flips and quarter turns move image and mask alike") {
  const auto f0 = numbered(8);
  auto o = nothing();
  auto run = [&] {
    auto f = f0;
    auto m = marked(f0);
    augment(o, f, m, random_stream{3, 4});
    CHECK(m.pixels == marked(f).pixels);
    return f;
  };
  o.flip_horizontal = 1;
  const auto h = run();
  o.flip_horizontal = 0, o.flip_vertical = 1;
  const auto v = run();
  for (std::int64_t y = 0; y < 8; ++y)
    for (std::int64_t x = 0; x < 8; ++x) {
      CHECK(h.at(y, x, 1) == f0.at(y, 7 - x, 1));
      CHECK(v.at(y, x, 1) == f0.at(7 - y, x, 1));
    }
  // Over many draws every turn appears, the identity never.
  o.flip_vertical = 0, o.quarter_turn = 1;
  int seen[4] = {0, 0, 0, 0};
  for (std::uint64_t k = 0; k < 60; ++k) {
    auto f = f0;
    auto m = marked(f0);
    augment(o, f, m, random_stream{9, 9}.child(k));
    CHECK(m.pixels == marked(f).pixels);
    const float corner = f.at(0, 0, 0);
    const float corners[4] = {f0.at(0, 0, 0), f0.at(0, 7, 0), f0.at(7, 7, 0), f0.at(7, 0, 0)};
    for (int c = 0; c < 4; ++c)
      if (corner == corners[c]) ++seen[c];
  }
  CHECK(seen[0] == 0);
  CHECK((seen[1] > 5 && seen[2] > 5 && seen[3] > 5));
  CHECK(seen[1] + seen[2] + seen[3] == 60);
}

TEST_CASE("shift, scale, rotation and grid keep a disc's image on its mask, within their limits") {
  for (const bool grid : {false, true}) {
    auto o = nothing();
    (grid ? o.grid : o.affine) = 1;
    double least = 1e9, most = 0, moved = 0, moved_down = 0, moved_across = 0;
    for (std::uint64_t k = 0; k < 40; ++k) {
      auto [f, m] = disc(96, 40, 55, 12);
      const double before = static_cast<double>(m.count());
      augment(o, f, m, random_stream{7, 7}.child(k));
      double disagree = 0, sy = 0, sx = 0;
      for (std::int64_t y = 0; y < 96; ++y)
        for (std::int64_t x = 0; x < 96; ++x) {
          disagree += (f.at(y, x, 0) > 127.5f) != (m.at(y, x) != 0);
          if (m.at(y, x)) sy += static_cast<double>(y), sx += static_cast<double>(x);
        }
      const auto n = static_cast<double>(m.count());
      CHECK(disagree < 0.08 * before);  // only along the edge, where bilinear and nearest differ
      least = std::min(least, n / before), most = std::max(most, n / before);
      moved = std::max(moved, std::hypot(sy / n - 40, sx / n - 55));
      moved_down = std::max(moved_down, std::abs(sy / n - 40)), moved_across = std::max(moved_across, std::abs(sx / n - 55));
    }
    // Areas: (1 ± 0.1)² for the scale, about as much for the grid; the centre: √2 · 5 % and 15° about the middle.
    CHECK(least > 0.75);
    CHECK(least < 0.95);
    CHECK(most < 1.3);
    CHECK(most > 1.05);
    CHECK(moved_down > 1);
    CHECK(moved_across > 1);
    CHECK(moved < 12);
  }
}

TEST_CASE("pixels from outside the image are black and background") {
  auto o = nothing();
  o.affine = 1, o.shift = 0, o.degrees = 0, o.scale = 0.5;  // 0.5 … 1.5: some draws shrink
  bool shrunk = false;
  for (std::uint64_t k = 0; k < 20; ++k) {
    float_image f{32, 32, 3, std::vector<float>(32 * 32 * 3, 200)};
    mask m{32, 32, std::vector<std::uint8_t>(32 * 32, 1)};
    augment(o, f, m, random_stream{2, 2}.child(k));
    if (m.at(0, 0)) continue;
    shrunk = true;
    CHECK(f.at(0, 0, 0) == 0);
    CHECK(f.at(16, 16, 0) == doctest::Approx(200));
  }
  CHECK(shrunk);
}

TEST_CASE("brightness, gamma, noise and blur do not change the mask, stay in 0..255 and have the stated effect") {
  auto constant = [](float v) { return float_image{16, 16, 3, std::vector<float>(16 * 16 * 3, v)}; };
  mask m{16, 16, std::vector<std::uint8_t>(256, 0)};
  m.at(5, 5) = 1;
  auto run = [&](const augment_options& o, float_image f, std::uint64_t k) {
    mask n = m;
    augment(o, f, n, random_stream{5, 5}.child(k));
    CHECK(n.pixels == m.pixels);
    for (float p : f.pixels) CHECK((p >= 0 && p <= 255));
    return f;
  };
  auto o = nothing();
  o.brightness_contrast = 1;
  float low = 255, high = 0;
  for (std::uint64_t k = 0; k < 50; ++k) {
    const float v = run(o, constant(100), k).pixels[0];
    low = std::min(low, v), high = std::max(high, v);
  }
  CHECK((low >= 85 - 38.25f && low < 75 && high <= 115 + 38.25f && high > 125));

  o = nothing(), o.gamma = 1;
  low = 255, high = 0;
  for (std::uint64_t k = 0; k < 50; ++k) {
    const float v = run(o, constant(100), k).pixels[0];
    low = std::min(low, v), high = std::max(high, v);
  }
  CHECK((low >= 255 * std::pow(100 / 255.0, 1.2) - 0.01 && high <= 255 * std::pow(100 / 255.0, 0.8) + 0.01 && low < 90 && high > 110));

  o = nothing(), o.noise = 1;
  const auto noisy = run(o, constant(100), 1);
  double mean = 0, square = 0;
  for (float p : noisy.pixels) mean += p, square += p * p;
  mean /= 768, square = square / 768 - mean * mean;
  CHECK(mean == doctest::Approx(100).epsilon(0.02));
  CHECK((square > 0.5 * 0.4 * 49 * 0.4 && square < 1.3 * 49));

  o = nothing(), o.blur = 1;
  auto point = constant(0);
  point.at(8, 8, 0) = 255;
  const auto soft = run(o, point, 1);
  float total = 0;
  for (std::int64_t y = 0; y < 16; ++y)
    for (std::int64_t x = 0; x < 16; ++x) total += soft.at(y, x, 0);
  CHECK(total == doctest::Approx(255));
  CHECK(soft.at(8, 8, 0) < 150);
  CHECK(soft.at(8, 7, 0) == doctest::Approx(soft.at(7, 8, 0)));
  CHECK(soft.at(8, 8, 1) == 0);
}

TEST_CASE("all together: a function of the stream alone, with the stated frequency, also without a lesion") {
  const augment_options o;
  int moved = 0;
  for (std::uint64_t k = 0; k < 200; ++k) {
    auto [f, m] = disc(24, 9, 14, 4);
    auto [g, n] = disc(24, 9, 14, 4);
    const auto before = m.pixels;
    augment(o, f, m, random_stream{1, 1}.child(k));
    augment(o, g, n, random_stream{1, 1}.child(k));
    CHECK(f.pixels == g.pixels);
    CHECK(m.pixels == n.pixels);
    moved += m.pixels != before;
  }
  // 1 − 0.5 · 0.7 · 0.7 · 0.6 · 0.8 = 0.88 of the images are moved.
  CHECK(moved > 160);
  CHECK(moved < 192);
  auto [f, m] = disc(24, -50, -50, 1);
  CHECK(m.count() == 0);
  augment(o, f, m, random_stream{1, 1}.child(3));
  CHECK(m.count() == 0);
}

TEST_CASE("a sample's objects are moved as its mask is") {
  const augment_options o;
  for (std::uint64_t k = 0; k < 50; ++k) {
    auto [f, m] = disc(24, 9, 14, 4);
    label_map objects{24, 24, std::vector<std::int32_t>(m.pixels.begin(), m.pixels.end())};
    for (auto& p : objects.pixels) p *= 7;
    augment(o, f, m, random_stream{1, 1}.child(k), &objects);
    CHECK(foreground(objects).pixels == m.pixels);
    CHECK(objects.objects() == 7);
  }
}
