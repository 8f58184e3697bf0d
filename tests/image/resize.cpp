// A mask lies on its image at every size, and no object of it is lost.
#include <dcs/data/augment.hpp>
#include <dcs/image/prediction.hpp>

#include <doctest/doctest.h>

#include <random>

using namespace dcs;

namespace {

mask blank(std::int64_t h, std::int64_t w) { return {h, w, std::vector<std::uint8_t>(static_cast<std::size_t>(h * w), 0)}; }

image picture_of(const mask& m) {
  image i{m.height, m.width, 1, m.pixels};
  for (auto& p : i.pixels) p = static_cast<std::uint8_t>(p * 255);
  return i;
}

struct centroid {
  double y = 0, x = 0;
};
template <class At>
centroid centroid_of(std::int64_t h, std::int64_t w, const At& at) {
  double total = 0, y = 0, x = 0;
  for (std::int64_t i = 0; i < h; ++i)
    for (std::int64_t j = 0; j < w; ++j) {
      const auto v = static_cast<double>(at(i, j));
      total += v, y += v * static_cast<double>(i), x += v * static_cast<double>(j);
    }
  return {y / total, x / total};
}

// A disc of this share of the sides, an ellipse where these differ; its middle in pixels of (h, w).
mask disc(std::int64_t h, std::int64_t w, double cy, double cx, double radius = 1.0 / 12) {
  mask m = blank(h, w);
  for (std::int64_t y = 0; y < h; ++y)
    for (std::int64_t x = 0; x < w; ++x)
      m.at(y, x) = std::hypot((static_cast<double>(y) + 0.5 - cy) / static_cast<double>(h),
                              (static_cast<double>(x) + 0.5 - cx) / static_cast<double>(w)) <= radius;
  return m;
}

}  // namespace

TEST_CASE("image, mask and probability stay aligned: any sizes, both axes, up and down and back") {
  constexpr std::int64_t sizes[][2] = {{64, 64}, {96, 128}, {101, 75}, {60, 130}};
  for (const auto& from : sizes)
    for (const auto& to : sizes) {
      const std::int64_t h = from[0], w = from[1], oh = to[0], ow = to[1];
      CAPTURE(h);
      CAPTURE(w);
      CAPTURE(oh);
      CAPTURE(ow);
      constexpr int discs = 80;  // one alone is off by up to a few tenths: a mask has whole pixels
      centroid off, back_off;
      for (int k = 0; k < discs; ++k) {
        const double cy = static_cast<double>(h) * (0.3 + 0.4 * std::fmod(k * 0.618034, 1.0)),
                     cx = static_cast<double>(w) * (0.3 + 0.4 * std::fmod(k * 0.754878, 1.0));
        const mask m = disc(h, w, cy, cx, 0.07 + 0.03 * std::fmod(k * 0.569840, 1.0)), r = resize(m, oh, ow);
        const float_image f = resize(picture_of(m), oh, ow);
        const auto of_mask = centroid_of(oh, ow, [&](auto y, auto x) { return r.at(y, x); });
        const auto of_image = centroid_of(oh, ow, [&](auto y, auto x) { return f.at(y, x, 0); });
        off.y += (of_mask.y - of_image.y) / discs, off.x += (of_mask.x - of_image.x) / discs;
        // A prediction at (oh, ow), resized to the image's own size and cut.
        float_image p{oh, ow, 1, {r.pixels.begin(), r.pixels.end()}};
        const float_image native = resize(p, h, w);
        const auto of_prediction = centroid_of(h, w, [&](auto y, auto x) { return native.at(y, x, 0) > 0.5f; });
        const auto of_truth = centroid_of(h, w, [&](auto y, auto x) { return m.at(y, x); });
        back_off.y += (of_prediction.y - of_truth.y) / discs, back_off.x += (of_prediction.x - of_truth.x) / discs;
      }
      CHECK(std::abs(off.y) < 0.05);
      CHECK(std::abs(off.x) < 0.05);
      // Against the coarser of the two grids, whose pixel is what a place can be known to.
      CHECK(std::abs(back_off.y) < 0.05 * std::max(1.0, static_cast<double>(h) / static_cast<double>(oh)));
      CHECK(std::abs(back_off.x) < 0.05 * std::max(1.0, static_cast<double>(w) / static_cast<double>(ow)));
    }
}

TEST_CASE("a pixel of a resized mask is set where half of its area is covered; symmetric masks stay symmetric") {
  mask m = blank(8, 8);
  for (std::int64_t y = 2; y < 6; ++y)
    for (std::int64_t x = 2; x < 6; ++x) m.at(y, x) = 1;
  for (const std::int64_t side : {3, 4, 5, 7, 12, 16, 19}) {
    const mask r = resize(m, side, side);
    CHECK(r.count() > 0);
    for (std::int64_t y = 0; y < side; ++y)
      for (std::int64_t x = 0; x < side; ++x) {
        CHECK(r.at(y, x) == r.at(side - 1 - y, x));
        CHECK(r.at(y, x) == r.at(y, side - 1 - x));
      }
  }
  CHECK(resize(m, 16, 16).count() == 64);
  CHECK(resize(m, 8, 8).pixels == m.pixels);
  CHECK(resize(blank(8, 8), 3, 5).count() == 0);
  CHECK_THROWS_WITH_AS(resize(m, 0, 4), doctest::Contains("8 × 8 to 0 × 4"), error);
  CHECK_THROWS_AS(resize(mask{}, 4, 4), error);
  CHECK_THROWS_AS(resize(image{}, 4, 4), error);
}

TEST_CASE("no object vanishes, at any size: it keeps its largest pixel") {
  for (const auto& [h, w] : {std::pair<std::int64_t, std::int64_t>{16, 16}, {23, 40}, {64, 7}, {200, 140}, {70, 300}})
    for (std::int64_t k = 0; k < 6; ++k) {
      mask m = blank(128, 96);
      std::mt19937 random(static_cast<unsigned>(k));
      std::vector<std::pair<std::int64_t, std::int64_t>> places;
      // One object of 1 × 1, 1 × 3, 3 × 2 or 3 × 3 pixels in each quarter.
      for (int q = 0; q < 4; ++q) {
        const std::int64_t y = 64 * (q / 2) + 8 + static_cast<std::int64_t>(random() % 48),
                           x = 48 * (q % 2) + 8 + static_cast<std::int64_t>(random() % 32);
        const std::int64_t rows[] = {1, 1, 3, 3}, columns[] = {1, 3, 2, 3};
        for (std::int64_t v = 0; v < rows[q]; ++v)
          for (std::int64_t u = 0; u < columns[q]; ++u) m.at(y + v, x + u) = 1;
        places.emplace_back(y, x);
      }
      const mask r = resize(m, h, w);
      for (const auto& [y, x] : places) {
        bool there = false;
        for (std::int64_t v = 0; v < h; ++v)
          for (std::int64_t u = 0; u < w; ++u) {
            const double ny = (static_cast<double>(v) + 0.5) * 128 / static_cast<double>(h),
                         nx = (static_cast<double>(u) + 0.5) * 96 / static_cast<double>(w);
            const double reach = 3 + std::max(128 / static_cast<double>(h), 96 / static_cast<double>(w));
            there = there || (r.at(v, u) && std::abs(ny - static_cast<double>(y)) <= reach && std::abs(nx - static_cast<double>(x)) <= reach);
          }
        CHECK(there);
      }
    }
  // By hand: of 3 × 3 pixels at (4, 4) of 16 × 16, a quarter's grid has most in pixel (1, 1), which holds pixels 4 to 7.
  mask m = blank(16, 16);
  for (std::int64_t y = 4; y < 7; ++y)
    for (std::int64_t x = 4; x < 7; ++x) m.at(y, x) = 1;
  const mask r = resize(m, 4, 4);
  CHECK((r.count() == 1 && r.at(1, 1)));
}

TEST_CASE("augmentation maps image and mask alike, to a twentieth of a pixel") {
  augment_options o;
  o.brightness_contrast = o.gamma = o.noise = o.blur = 0;
  o.affine = o.grid = 1;
  constexpr int draws = 60;
  centroid off;
  for (std::uint64_t k = 0; k < draws; ++k) {
    mask m = disc(96, 96, 48 + std::fmod(static_cast<double>(k) * 0.618034, 1.0), 45 + std::fmod(static_cast<double>(k) * 0.754878, 1.0));
    float_image f = to_float(picture_of(m));
    augment(o, f, m, random_stream{4, 4}.child(k));
    const auto of_mask = centroid_of(96, 96, [&](auto y, auto x) { return m.at(y, x); });
    const auto of_image = centroid_of(96, 96, [&](auto y, auto x) { return f.at(y, x, 0); });
    off.y += (of_mask.y - of_image.y) / draws, off.x += (of_mask.x - of_image.x) / draws;
  }
  CHECK(std::abs(off.y) < 0.05);
  CHECK(std::abs(off.x) < 0.05);
}

TEST_CASE("a prediction at another size is its probability resized, without detections") {
  prediction p{2, 4, {0, 0, 1, 1, 0, 0, 1, 1}, std::vector<detection<float>>(1)};
  const auto larger = p.resized(4, 8), same = p.resized(2, 4);
  CHECK((larger.height == 4 && larger.width == 8 && larger.detections.empty() && same.detections.empty()));
  CHECK(larger.probability == resize(float_image{2, 4, 1, p.probability}, 4, 8).pixels);
  CHECK(larger.above().count() == 16);
  CHECK(same.probability == p.probability);
}
