// No label in a mask file is lost: every colour type and depth of PNG with labels as small as 1, every transparency, colour management; JPEG.
#include "raw_images.hpp"

#include <filesystem>

using namespace dcs;

namespace {

const std::string png_path = "mask_test.png", jpeg_path = "mask_test.jpg";

struct remove_files {
  ~remove_files() { std::filesystem::remove(png_path), std::filesystem::remove(jpeg_path); }
};

// Packs samples of `bits` bits; of 16, the first byte is the high one.
std::vector<png_byte> packed(const std::vector<int>& samples, int bits) {
  std::vector<png_byte> row;
  int filled = 8;
  for (const int s : samples) {
    if (bits == 16) {
      row.push_back(static_cast<png_byte>(s >> 8)), row.push_back(static_cast<png_byte>(s & 255));
      continue;
    }
    if (filled == 8) row.push_back(0), filled = 0;
    filled += bits;
    row.back() = static_cast<png_byte>(row.back() | s << (8 - filled));
  }
  return row;
}

// A mask of 9 × 7 with a square of 4 × 4 at (2, 1): samples `in` there, `out` elsewhere, each one pixel's channels.
raw::png square(int type, int bits, const std::vector<int>& in, const std::vector<int>& out) {
  raw::png p{9, 7, bits, type};
  for (int y = 0; y < 7; ++y) {
    std::vector<int> samples;
    for (int x = 0; x < 9; ++x) {
      const auto& pixel = y >= 2 && y < 6 && x >= 1 && x < 5 ? in : out;
      samples.insert(samples.end(), pixel.begin(), pixel.end());
    }
    p.rows.push_back(packed(samples, bits));
  }
  return p;
}

// Both ways to a mask give the square.
void check_square(const raw::png& p) {
  raw::write(png_path, p);
  for (const mask& m : {io::read_mask(png_path), to_mask(io::read_image(png_path), io::is_jpeg(png_path) ? 127 : 0)}) {
    REQUIRE((m.height == 7 && m.width == 9));
    CHECK(m.count() == 16);
    CHECK((m.at(2, 1) && m.at(5, 4) && !m.at(1, 1) && !m.at(2, 5)));
  }
}
void check_refused(const raw::png& p, const char* text) {
  raw::write(png_path, p);
  CHECK_THROWS_WITH_AS(io::read_mask(png_path), doctest::Contains(text), error);
  CHECK_THROWS_WITH_AS(io::read_mask(png_path), doctest::Contains(png_path.c_str()), error);
  CHECK_THROWS_WITH_AS((void)to_mask(io::read_image(png_path), 0), doctest::Contains(text), error);
}

image spot(int value, int side = 64) {
  image i{side, side, 1, std::vector<std::uint8_t>(static_cast<std::size_t>(side * side), 0)};
  for (int y = 18; y < 30; ++y)
    for (int x = 20; x < 34; ++x) i.pixels[static_cast<std::size_t>(y * side + x)] = static_cast<std::uint8_t>(value);
  return i;
}

}  // namespace

TEST_CASE("masks: every depth and colour type, the smallest and the largest label, interlaced or not, with any gamma in the file") {
  const remove_files cleanup;
  const raw::warnings said;
  for (const bool interlaced : {false, true})
    for (const bool managed : {false, true}) {
      auto check = [&](raw::png p) {
        p.interlaced = interlaced, p.colour_managed = managed;
        check_square(p);
      };
      for (const int bits : {1, 2, 4, 8, 16})
        for (const int label : {1, (1 << bits) - 1}) {
          CAPTURE(bits);
          CAPTURE(label);
          check(square(PNG_COLOR_TYPE_GRAY, bits, {label}, {0}));
          if (bits < 8) continue;
          const int most = (1 << bits) - 1;
          for (std::size_t channel = 0; channel < 3; ++channel) {
            std::vector<int> in{0, 0, 0}, in_alpha{0, 0, 0, most};
            in[channel] = in_alpha[channel] = label;
            check(square(PNG_COLOR_TYPE_RGB, bits, in, {0, 0, 0}));
            check(square(PNG_COLOR_TYPE_RGB_ALPHA, bits, in_alpha, {0, 0, 0, most}));
          }
          check(square(PNG_COLOR_TYPE_GRAY_ALPHA, bits, {label, most}, {0, most}));
        }
    }
}

TEST_CASE("masks: a label that is transparent, wholly or in part, is a label") {
  const remove_files cleanup;
  const raw::warnings said;
  for (const int bits : {8, 16}) {
    const int most = (1 << bits) - 1;
    for (const int alpha : {1, 100, most}) {
      check_square(square(PNG_COLOR_TYPE_GRAY_ALPHA, bits, {1, alpha}, {0, most}));
      check_square(square(PNG_COLOR_TYPE_GRAY_ALPHA, bits, {1, alpha}, {0, 0}));
      check_square(square(PNG_COLOR_TYPE_GRAY_ALPHA, bits, {1, alpha}, {0, alpha}));
      check_square(square(PNG_COLOR_TYPE_RGB_ALPHA, bits, {0, 0, 1, alpha}, {0, 0, 0, 0}));
      check_square(square(PNG_COLOR_TYPE_GRAY_ALPHA, bits, {0, alpha}, {0, 0}));  // only alpha tells
    }
    check_square(square(PNG_COLOR_TYPE_GRAY_ALPHA, bits, {1, 0}, {0, 0}));  // all transparent: it says nothing
    auto key = square(PNG_COLOR_TYPE_GRAY, bits, {7}, {0});
    for (const png_uint_16 clear : {png_uint_16{7}, png_uint_16{0}}) {
      key.clear_colour = true, key.clear_value.gray = clear;
      check_square(key);
    }
    check_refused(square(PNG_COLOR_TYPE_GRAY_ALPHA, bits, {most, 0}, {0, most}), "contradict");
    check_refused(square(PNG_COLOR_TYPE_RGB_ALPHA, bits, {0, 0, 0, most}, {9, 9, 9, 0}), "contradict");
    check_refused(square(PNG_COLOR_TYPE_GRAY_ALPHA, bits, {0, 100}, {0, most}), "only its transparency differs");
  }
}

TEST_CASE("masks: with a palette lesion is every index that is not 0, unless black and index 0 disagree") {
  const remove_files cleanup;
  const png_color black{0, 0, 0}, red{128, 0, 0}, white{255, 255, 255};
  for (const int bits : {1, 2, 4, 8}) {
    auto p = square(PNG_COLOR_TYPE_PALETTE, bits, {1}, {0});
    for (const auto& palette : {std::vector<png_color>{black, red}, {black, black}, {red, white}}) {
      p.palette = palette;
      for (const auto& alpha : {std::vector<png_byte>{}, {0}, {255, 0}, {255, 100}}) {
        p.palette_alpha = alpha;
        check_square(p);
      }
    }
    p.palette = {white, black}, p.palette_alpha = {};
    check_refused(p, "may be the background");
  }
}

TEST_CASE("masks: an empty one is empty") {
  const remove_files cleanup;
  raw::write(png_path, square(PNG_COLOR_TYPE_GRAY, 16, {0}, {0}));
  CHECK(io::read_mask(png_path).count() == 0);
  raw::write(png_path, square(PNG_COLOR_TYPE_RGB_ALPHA, 8, {0, 0, 0, 255}, {0, 0, 0, 255}));
  CHECK(io::read_mask(png_path).count() == 0);
  raw::write_jpeg(jpeg_path, spot(0));
  CHECK(io::read_mask(jpeg_path).count() == 0);
}

TEST_CASE("masks: JPEG labels above 127 are lesion, lower ones are errors or warnings") {
  const remove_files cleanup;
  const raw::warnings said;
  for (const int quality : {50, 75, 95, 100}) {
    CAPTURE(quality);
    raw::write_jpeg(jpeg_path, spot(255), {quality});
    CHECK(std::abs(static_cast<int>(io::read_mask(jpeg_path).count()) - 12 * 14) <= 8);
    for (const int label : {40, 100}) {
      raw::write_jpeg(jpeg_path, spot(label), {quality});
      CHECK_THROWS_WITH_AS(io::read_mask(jpeg_path), doctest::Contains(jpeg_path.c_str()), error);
      CHECK_THROWS_WITH_AS((void)to_mask(io::read_image(jpeg_path), 127), doctest::Contains("not all are black"), error);
    }
  }
  raw::write_jpeg(jpeg_path, spot(1), {100});
  CHECK_THROWS_AS(io::read_mask(jpeg_path), error);
  CHECK(said.files("spots") == 0);

  // A second label of 100 far from one of 255.
  image both = spot(255, 128);
  for (std::size_t y = 90; y < 100; ++y)
    for (std::size_t x = 90; x < 100; ++x) both.pixels[y * 128 + x] = 100;
  raw::write_jpeg(jpeg_path, both, {90});
  CHECK(std::abs(static_cast<int>(io::read_mask(jpeg_path).count()) - 12 * 14) <= 8);
  CHECK(said.files("spots") == 1);
  CHECK(said.first().find(jpeg_path) != std::string::npos);
}

TEST_CASE("masks: a file that is no image is an error") {
  const remove_files cleanup;
  raw::put_bytes(png_path, "no image at all");
  CHECK_THROWS_WITH_AS(io::read_mask(png_path), doctest::Contains("neither PNG nor JPEG"), error);
  CHECK_THROWS_WITH_AS(io::read_mask("."), doctest::Contains("folder"), error);
  CHECK_THROWS_AS(io::read_mask("/dev/zero"), error);
}

TEST_CASE("labels: values, indices and colours number objects in the order of their first pixels; transparency is ignored") {
  const remove_files cleanup;
  const auto numbers = [](const raw::png& p) {
    raw::write(png_path, p);
    return io::read_labels(png_path).pixels;
  };
  const std::vector<std::int32_t> expected{1, 0, 2, 1};
  CHECK(numbers({4, 1, 8, PNG_COLOR_TYPE_GRAY, {{7, 0, 3, 7}}}) == expected);
  CHECK(numbers({4, 1, 2, PNG_COLOR_TYPE_GRAY, {packed({3, 0, 1, 3}, 2)}}) == expected);
  CHECK(numbers({4, 1, 16, PNG_COLOR_TYPE_GRAY, {packed({256, 0, 1, 256}, 16)}}) == expected);
  CHECK(numbers({4, 1, 8, PNG_COLOR_TYPE_PALETTE, {{2, 0, 1, 2}}, {{9, 9, 9}, {0, 0, 0}, {5, 5, 5}}}) == expected);
  CHECK(numbers({4, 1, 8, PNG_COLOR_TYPE_RGB, {{0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 1}}}) == expected);
  CHECK(numbers({4, 1, 8, PNG_COLOR_TYPE_GRAY_ALPHA, {{7, 0, 0, 255, 3, 255, 7, 9}}}) == expected);
  CHECK(numbers({4, 1, 8, PNG_COLOR_TYPE_GRAY, {{0, 0, 0, 0}}}) == std::vector<std::int32_t>(4, 0));
}

TEST_CASE("labels: a JPEG's values are inexact; a photograph's colours number no objects") {
  const remove_files cleanup;
  raw::write_jpeg(jpeg_path, {8, 8, 1, std::vector<std::uint8_t>(64, 200)});
  CHECK_THROWS_WITH_AS(io::read_labels(jpeg_path), doctest::Contains("expected a PNG"), error);
  raw::png photograph{512, 512, 8, PNG_COLOR_TYPE_RGB};
  for (int y = 0; y < 512; ++y) {
    auto& row = photograph.rows.emplace_back();
    for (int x = 0; x < 512; ++x)
      row.push_back(static_cast<png_byte>(x)), row.push_back(static_cast<png_byte>(y)), row.push_back(static_cast<png_byte>(x / 256 + 2 * (y / 256)));
  }
  raw::write(png_path, photograph);
  CHECK_THROWS_WITH_AS(io::read_labels(png_path), doctest::Contains("more than 65535 values"), error);
}
