// Properties of synthetic sets: a function of the seed, lesions of less than 1 % of the pixels that no threshold finds, distractors at least as
// bright as the lesions.
#include <dcs/data/synthesize.hpp>

#include <doctest/doctest.h>

using namespace dcs;

TEST_CASE("a function of kind, side, seed and index") {
  for (const auto kind : {modality::mri, modality::endoscopy, modality::ct}) {
    const auto a = synthesize(kind, 80, 3, 5), b = synthesize(kind, 80, 3, 5), c = synthesize(kind, 80, 3, 6), d = synthesize(kind, 80, 4, 5);
    CHECK(a.pixels.pixels == b.pixels.pixels);
    CHECK(a.truth.pixels == b.truth.pixels);
    CHECK(a.pixels.pixels != c.pixels.pixels);
    CHECK(a.truth.pixels != d.truth.pixels);
    CHECK(a.pixels.channels == (kind == modality::endoscopy ? 3 : 1));
    CHECK((a.pixels.height == 80 && a.truth.width == 80));
  }
  CHECK_THROWS_WITH_AS(synthesize(modality::ct, 63, 0, 0), doctest::Contains("63"), error);
}

TEST_CASE("one lesion of more than 4 pixels and less than 1 %, inside the image") {
  for (const std::int64_t side : {64, 128, 200})
    for (std::uint64_t i = 0; i < 30; ++i) {
      const auto s = synthesize(modality::ct, side, 11, i);
      CHECK(object_boxes(s.truth).size() == 1);
      CHECK(100 * s.truth.count() < side * side);
      for (std::int64_t k = 0; k < side; ++k) CHECK(s.truth.at(0, k) + s.truth.at(side - 1, k) + s.truth.at(k, 0) + s.truth.at(k, side - 1) == 0);
    }
}

TEST_CASE("no threshold finds the lesion: distractors are as bright") {
  for (const auto kind : {modality::mri, modality::endoscopy, modality::ct}) {
    constexpr std::uint64_t images = 30;
    std::vector<double> above(256, 0), below(256, 0);
    double brighter = 0, lesions = 0;
    for (std::uint64_t i = 0; i < images; ++i) {
      const auto s = synthesize(kind, 128, 21, i);
      const auto f = to_float(s.pixels);
      for (std::size_t t = 0; t < 256; ++t) {
        std::int64_t both = 0, found = 0, low = 0, low_both = 0;
        for (std::size_t p = 0; p < s.truth.pixels.size(); ++p) {
          const float grey = (f.pixels[3 * p] + f.pixels[3 * p + 1] + f.pixels[3 * p + 2]) / 3;
          const bool bright = grey >= static_cast<float>(t);
          found += bright, both += bright && s.truth.pixels[p], low += !bright, low_both += !bright && s.truth.pixels[p];
        }
        const auto lesion = static_cast<double>(s.truth.count());
        above[t] += 2 * static_cast<double>(both) / (static_cast<double>(found) + lesion),
            below[t] += 2 * static_cast<double>(low_both) / (static_cast<double>(low) + lesion);
      }
      // How much of the body's middle, outside the lesion, is brighter than the lesion's mean.
      double mean = 0;
      for (std::size_t p = 0; p < s.truth.pixels.size(); ++p) mean += s.truth.pixels[p] ? f.pixels[3 * p + 1] : 0;
      mean /= static_cast<double>(s.truth.count());
      lesions += static_cast<double>(s.truth.count());
      for (std::int64_t y = 0; y < 128; ++y)
        for (std::int64_t x = 0; x < 128; ++x)
          brighter += !s.truth.at(y, x) && f.at(y, x, 1) > mean && std::hypot(static_cast<double>(y) - 64, static_cast<double>(x) - 64) < 40;
    }
    const double best = std::max(*std::max_element(above.begin(), above.end()), *std::max_element(below.begin(), below.end())) / images;
    CAPTURE(best);
    CAPTURE(brighter / lesions);
    CHECK(best < 0.30);
    CHECK(best > 0.02);
    CHECK(brighter > 0.3 * lesions);
  }
}
