// The perceptual hash against SciPy's cosine transform (goldens/perceptual_hash.py), what leaves it alone, and contact sheets.
#include <dcs/image/contact_sheet.hpp>
#include <dcs/image/perceptual_hash.hpp>

#include <doctest/doctest.h>

using namespace dcs;

namespace {

template <class F>
image picture(std::int64_t h, std::int64_t w, const F& value) {
  image i{h, w, 1, {}};
  for (std::int64_t y = 0; y < h; ++y)
    for (std::int64_t x = 0; x < w; ++x) i.pixels.push_back(static_cast<std::uint8_t>(value(y, x)));
  return i;
}
// A scene of three soft spots on a slope, at any size; `seed` moves the spots.
image scene(std::int64_t side, int seed) {
  return picture(side, side, [&](std::int64_t y, std::int64_t x) {
    const double v = (static_cast<double>(y) + 0.5) / static_cast<double>(side), u = (static_cast<double>(x) + 0.5) / static_cast<double>(side);
    double grey = 40 + 30 * u;
    for (int k = 0; k < 3; ++k) {
      const double dy = v - 0.15 * ((3 * seed + 5 * k) % 7), dx = u - 0.15 * ((4 * seed + 3 * k + 1) % 7);
      grey += 50 * std::exp(-(dy * dy + dx * dx) / 0.02);
    }
    return grey;
  });
}

}  // namespace

TEST_CASE("perceptual hash: the bits are those of SciPy's cosine transform above its median") {
  CHECK(perceptual_hash(picture(32, 32, [](auto y, auto x) { return (x * y * 7 + 3 * x + 11 * y) % 256; })) == 0xbcf4f5e854fe00a0u);
  CHECK(perceptual_hash(picture(32, 32, [](auto y, auto x) { return ((x - 13) * (x - 13) + (y - 17) * (y - 17)) % 256; })) == 0xd69756d64856a958u);
  CHECK(perceptual_hash(picture(32, 32, [](auto y, auto x) { return (x * x * y + 5 * y * y + 17 * x) % 251; })) == 0xf551bb76c8b48a84u);
  CHECK(perceptual_hash(picture(40, 50, [](auto, auto) { return 200; })) == 0);
}

TEST_CASE("perceptual hash: other sizes, brightness and contrast change few bits; other scenes many") {
  for (int seed = 0; seed < 5; ++seed) {
    const image original = scene(256, seed);
    CHECK(hash_distance(perceptual_hash(original), perceptual_hash(scene(97, seed))) <= 2);
    image changed = original;
    for (auto& p : changed.pixels) p = static_cast<std::uint8_t>(p * 3 / 4 + 20);
    CHECK(hash_distance(perceptual_hash(original), perceptual_hash(changed)) <= 4);
    for (int other = 0; other < seed; ++other) CHECK(hash_distance(perceptual_hash(original), perceptual_hash(scene(256, other))) > 10);
  }
  CHECK(hash_distance(0, 0) == 0);
  CHECK(hash_distance(0, ~std::uint64_t{0}) == 64);
}

TEST_CASE("contact sheet: pictures in rows, in the middle of cells of the largest") {
  const auto plain = [](std::int64_t h, std::int64_t w, std::uint8_t v) {
    return image{h, w, 3, std::vector<std::uint8_t>(static_cast<std::size_t>(h * w * 3), v)};
  };
  const image sheet = contact_sheet({plain(10, 6, 100), plain(10, 10, 150), plain(4, 10, 200)}, 2);
  REQUIRE((sheet.height == 2 * 14 + 4 && sheet.width == 2 * 14 + 4));
  const auto at = [&](std::int64_t y, std::int64_t x) { return sheet.pixels[static_cast<std::size_t>((y * sheet.width + x) * 3)]; };
  CHECK((at(4, 6) == 100 && at(4, 5) == 32 && at(4, 11) == 100 && at(4, 12) == 32));
  CHECK((at(4, 18) == 150 && at(13, 27) == 150));
  CHECK((at(18 + 3, 4) == 200 && at(18 + 2, 4) == 32));
  CHECK(at(20, 20) == 32);  // no fourth picture
  CHECK_THROWS_AS((void)contact_sheet({}, 2), error);
  CHECK_THROWS_AS((void)contact_sheet({image{1, 1, 1, {0}}}, 2), error);
}

TEST_CASE("contact picture: keeps the image's proportions; an empty mask has no outline") {
  const image grey{50, 100, 1, std::vector<std::uint8_t>(5000, 70)};
  mask m{50, 100, std::vector<std::uint8_t>(5000, 0)};
  const auto is_green = [](const image& i) {
    for (std::size_t p = 0; p < i.pixels.size(); p += 3)
      if (i.pixels[p + 1] > i.pixels[p] + 100) return true;
    return false;
  };
  const image empty = contact_picture(grey, m, 32);
  CHECK((empty.height == 32 && empty.width == 64 && empty.channels == 3));
  CHECK_FALSE(is_green(empty));
  for (std::int64_t y = 20; y < 30; ++y)
    for (std::int64_t x = 20; x < 30; ++x) m.at(y, x) = 1;
  CHECK(is_green(contact_picture(grey, m, 32)));
}
