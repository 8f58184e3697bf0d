// Resizing against torchvision; boxes and masks against results by hand.
#include <dcs/image/image.hpp>
#include <dcs/io/safetensors.hpp>

#include <doctest/doctest.h>

#include <cstdlib>

using namespace dcs;

namespace {

mask drawn(const std::vector<std::string>& rows) {
  mask m{static_cast<std::int64_t>(rows.size()), static_cast<std::int64_t>(rows[0].size()), {}};
  for (const auto& r : rows)
    for (char c : r) m.pixels.push_back(c == '#');
  return m;
}

}  // namespace

TEST_CASE("resize equals torchvision's") {
  const char* folder = std::getenv("DCS_TEST_DATA");
  const auto goldens = io::read_safetensors((folder ? std::string(folder) : std::string("tests")) + "/goldens/resize.safetensors");
  int cases = 0;
  for (; goldens.contains(std::to_string(cases) + ".in"); ++cases) {
    CAPTURE(cases);
    const auto name = std::to_string(cases);
    const auto &in = goldens.at(name + ".in"), &out = goldens.at(name + ".out");
    image i{in.shape[0], in.shape[1], in.shape[2], {in.bytes.begin(), in.bytes.end()}};
    const auto got = resize(to_float(i), out.shape[0], out.shape[1]);
    const auto want = out.as<float>();
    REQUIRE(got.pixels.size() == want.size());
    float worst = 0;
    for (std::size_t k = 0; k < want.size(); ++k) worst = std::max(worst, std::abs(got.pixels[k] - want[k]));
    CHECK(worst < 2e-4f);  // of 255
    // Without floats at the first size: to the bit.
    CHECK(resize(i, out.shape[0], out.shape[1]).pixels == got.pixels);
  }
  CHECK(cases == 7);
}

TEST_CASE("a mask is any channel above the threshold") {
  const image i{1, 4, 3, {0, 0, 0, 1, 0, 0, 0, 200, 0, 0, 0, 128}};
  CHECK(to_mask(i, 0).pixels == std::vector<std::uint8_t>{0, 1, 1, 1});
  CHECK(to_mask(i, 127).pixels == std::vector<std::uint8_t>{0, 0, 1, 1});
  CHECK(to_mask(image{1, 3, 1, {0, 127, 128}}, 127).pixels == std::vector<std::uint8_t>{0, 0, 1});
}

TEST_CASE("grey repeats to three channels") {
  const auto f = to_float(image{1, 2, 1, {7, 255}});
  CHECK(f.channels == 3);
  CHECK(f.pixels == std::vector<float>{7, 7, 7, 255, 255, 255});
}

TEST_CASE("boxes: corners touch, fewer than four pixels are dropped") {
  const auto m = drawn({
      "#.......##", ".#......##", "..#.......", "...#......", "..........",
      "###.......",  // three pixels: no object
  });
  const auto boxes = object_boxes(m, 4, 0);
  REQUIRE(boxes.size() == 2);
  CHECK(boxes[0] == box<float>{0, 0, 3, 3});
  CHECK(boxes[1] == box<float>{8, 0, 9, 1});
  CHECK(object_boxes(m, 3, 0).size() == 3);
  CHECK(objects_without_box(m) == 1);
  CHECK(objects_without_box(m, 3) == 0);
  CHECK(object_boxes(mask{3, 3, std::vector<std::uint8_t>(9, 0)}).empty());
}

TEST_CASE("boxes: inclusive extremes grown by five pixels, clipped to the image") {
  mask m{40, 60, std::vector<std::uint8_t>(2400, 0)};
  for (std::int64_t y = 20; y <= 22; ++y)
    for (std::int64_t x = 30; x <= 33; ++x) m.at(y, x) = 1;
  for (std::int64_t y = 0; y <= 1; ++y)
    for (std::int64_t x = 56; x <= 59; ++x) m.at(y, x) = 1;
  const auto boxes = object_boxes(m);
  REQUIRE(boxes.size() == 2);
  CHECK(boxes[0] == box<float>{51, 0, 60, 6});
  CHECK(boxes[1] == box<float>{25, 15, 38, 27});
}

TEST_CASE("boxes: a spiral is one object") {
  const auto m = drawn({
      "#####",
      "....#",
      "###.#",
      "#...#",
      "#####",
  });
  CHECK(object_boxes(m, 4, 0).size() == 1);
}
