// Label maps: objects that touch stay apart at every size, none vanishes, and each has a box of its own.
#include <dcs/core/philox.hpp>
#include <dcs/image/labels.hpp>

#include <doctest/doctest.h>

using namespace dcs;

namespace {

// A digit is the number of the object that the pixel belongs to.
label_map drawn(const std::vector<std::string>& rows) {
  label_map m{static_cast<std::int64_t>(rows.size()), static_cast<std::int64_t>(rows[0].size())};
  for (const auto& row : rows)
    for (const char c : row) m.pixels.push_back(c == '.' ? 0 : c - '0');
  return m;
}
// Discs that overlap: the later lies over the earlier.
label_map discs(std::int64_t height, std::int64_t width, int count, std::uint64_t seed) {
  const random_stream r{seed, 0};
  label_map m{height, width, std::vector<std::int32_t>(static_cast<std::size_t>(height * width), 0)};
  for (int k = 1; k <= count; ++k) {
    const random_stream s = r.child(static_cast<std::uint64_t>(k));
    const float cy = s.uniform(0) * static_cast<float>(height), cx = s.uniform(1) * static_cast<float>(width), radius = 2 + 8 * s.uniform(2);
    for (std::int64_t y = 0; y < height; ++y)
      for (std::int64_t x = 0; x < width; ++x)
        if (std::hypot(static_cast<float>(y) - cy, static_cast<float>(x) - cx) < radius) m.at(y, x) = k;
  }
  return m;
}

}  // namespace

TEST_CASE("objects of a label map: those that touch are two, parts that do not touch are one") {
  const auto m = drawn({
      "1122..3",
      "1122..3",
      ".......",
      "33....4",
  });
  const auto boxes = object_boxes(m, 4, 0);
  REQUIRE(boxes.size() == 3);
  CHECK(boxes[0] == box<float>{0, 0, 1, 1});
  CHECK(boxes[1] == box<float>{2, 0, 3, 1});
  CHECK(boxes[2] == box<float>{0, 0, 6, 3});
  CHECK(objects_without_box(m) == 1);
  CHECK(object_boxes(m, 1, 0).size() == 4);
  CHECK(object_boxes(foreground(m), 4, 0).size() == 1);
  std::vector<int> labels(m.pixels.size(), 0);
  (void)labelled_objects(m, labels.data(), 4, 0);
  CHECK(std::vector<int>(labels.begin(), labels.begin() + 7) == std::vector<int>{1, 1, 2, 2, 0, 0, 3});
  CHECK(labels.back() == 0);  // too small for a box
}

TEST_CASE("a label map at another size has the mask's foreground, each of its objects, and the object that covers most of a pixel") {
  for (const auto& [height, width] : {std::pair<std::int64_t, std::int64_t>{64, 64}, {100, 70}, {48, 130}}) {
    const label_map m = discs(height, width, 6, static_cast<std::uint64_t>(height));
    for (const std::int64_t side : {32, 64, 96, 17}) {
      const label_map small = resize(m, side, side);
      const mask kept = resize(foreground(m), side, side);
      std::int64_t more = 0;
      for (std::size_t i = 0; i < kept.pixels.size(); ++i) {
        if (kept.pixels[i]) CHECK(small.pixels[i] != 0);
        more += small.pixels[i] != 0 && !kept.pixels[i];
      }
      CHECK(more <= 6);  // a pixel for each object that would vanish
      for (std::int32_t k = 1; k <= m.objects(); ++k)
        if (std::count(m.pixels.begin(), m.pixels.end(), k) > 0) CHECK(std::count(small.pixels.begin(), small.pixels.end(), k) > 0);
      CHECK(small.objects() <= m.objects());
    }
    CHECK(resize(m, height, width).pixels == m.pixels);
  }
  const auto halves = resize(drawn({"1112", "1112", "2222", "2222"}), 2, 2);  // the antialiased pixels overlap
  CHECK(halves.pixels == std::vector<std::int32_t>{1, 2, 2, 2});
}

TEST_CASE("an object inside another keeps a pixel; two in one pixel cannot both") {
  label_map m = drawn({"11111111", "11111111", "11111111", "11121111", "11111111", "11111111", "11111111", "11111111"});
  const label_map small = resize(m, 2, 2);
  CHECK(std::count(small.pixels.begin(), small.pixels.end(), 2) == 1);
  CHECK(small.at(0, 0) == 2);
  CHECK(resize(drawn({"12", "12"}), 1, 1).pixels == std::vector<std::int32_t>{1});  // the lower number of equals
}
