// Native masks: objects are found in them at their own size, and they move as their image does.
#include <dcs/data/loader.hpp>

#include <doctest/doctest.h>

#include <cmath>

using namespace dcs;

namespace {

mask blank(std::int64_t h, std::int64_t w) { return {h, w, std::vector<std::uint8_t>(static_cast<std::size_t>(h * w), 0)}; }
void fill(mask& m, std::int64_t y, std::int64_t x, std::int64_t rows, std::int64_t columns) {
  for (std::int64_t v = y; v < y + rows; ++v)
    for (std::int64_t u = x; u < x + columns; ++u) m.at(v, u) = 1;
}
// A black image of side × side with this mask, and where `native` with the mask at its own size.
sample sample_of(const mask& m, std::int64_t side, bool native = true) {
  sample s{"one", {side, side, 3, std::vector<float>(static_cast<std::size_t>(side * side * 3), 0.0f)}, resize(m, side, side), m.height, m.width};
  if (native) s.native.truth = m;
  return s;
}
// An ellipse that is a disc in shares of the sides.
mask disc(std::int64_t h, std::int64_t w, double cy, double cx, double radius) {
  mask m = blank(h, w);
  for (std::int64_t y = 0; y < h; ++y)
    for (std::int64_t x = 0; x < w; ++x)
      m.at(y, x) = std::hypot((static_cast<double>(y) + 0.5) / static_cast<double>(h) - cy,
                              (static_cast<double>(x) + 0.5) / static_cast<double>(w) - cx) <= radius;
  return m;
}
// The middle of what is set, in shares of the sides.
std::pair<double, double> middle_of(std::int64_t h, std::int64_t w, const auto& at) {
  double total = 0, y = 0, x = 0;
  for (std::int64_t i = 0; i < h; ++i)
    for (std::int64_t j = 0; j < w; ++j) {
      const auto v = static_cast<double>(at(i, j));
      total += v, y += v * (static_cast<double>(i) + 0.5), x += v * (static_cast<double>(j) + 0.5);
    }
  return {y / total / static_cast<double>(h), x / total / static_cast<double>(w)};
}

}  // namespace

TEST_CASE("an object of four native pixels has a box, which lies where it is; at the network's size it has none") {
  mask m = blank(512, 1024);
  fill(m, 100, 700, 2, 2);  // its middle: rows 100.5, columns 700.5 of pixels, a pixel's middle being its number
  fill(m, 400, 0, 20, 30);
  fill(m, 10, 10, 1, 3);  // three pixels are none
  const sample without = sample_of(m, 64, false), with = sample_of(m, 64);
  CHECK((object_boxes(without).size() == 1 && objects_without_box(without) == 2));
  const auto boxes = object_boxes(with);
  REQUIRE(boxes.size() == 2);
  CHECK(objects_without_box(with) == 1);
  const box<float>& b = boxes[0];
  CHECK((b.x1 + b.x2) / 2 == doctest::Approx((700.5 + 0.5) * 64 / 1024 - 0.5));
  CHECK((b.y1 + b.y2) / 2 == doctest::Approx((100.5 + 0.5) * 64 / 512 - 0.5));
  CHECK(b.width() == doctest::Approx(1.0 * 64 / 1024 + 10));
  CHECK((boxes[1].x1 == 0 && boxes[1].y2 == doctest::Approx((419 + 0.5) * 64 / 512 - 0.5 + 5)));
}

TEST_CASE("at one size the native mask's boxes are the mask's to the bit, of components and of numbered objects") {
  for (std::uint64_t k = 0; k < 20; ++k) {
    const random_stream r{9, k};
    mask m = blank(48, 48);
    label_map numbers{48, 48, std::vector<std::int32_t>(48 * 48, 0)};
    for (std::uint32_t q = 0; q < 6; ++q) {
      const auto y = r.below(4 * q, 40), x = r.below(4 * q + 1, 40), rows = 1 + r.below(4 * q + 2, 8), columns = 1 + r.below(4 * q + 3, 8);
      fill(m, y, x, rows, columns);
      for (std::uint32_t v = y; v < y + rows; ++v)
        for (std::uint32_t u = x; u < x + columns; ++u) numbers.at(v, u) = static_cast<std::int32_t>(q) + 1;
    }
    std::vector<std::int32_t> labels(m.pixels.size(), 0);
    label_map found;
    CHECK(native_objects({m, {}}, 48, 48, &found) == labelled_objects(m, labels.data()));
    CHECK(found.pixels == labels);
    std::fill(labels.begin(), labels.end(), 0);
    CHECK(native_objects({m, numbers}, 48, 48, &found) == labelled_objects(numbers, labels.data()));
    CHECK(found.pixels == labels);
  }
}

TEST_CASE("a batch has the native mask of each image, numbered by its boxes; without any it has none; some with and some without are refused") {
  mask large = blank(256, 256), small = blank(64, 64);
  fill(large, 16, 16, 2, 2), fill(large, 100, 200, 30, 20), fill(large, 8, 120, 1, 2);
  fill(small, 30, 40, 5, 6);
  const batch b = make_batch({sample_of(large, 64), sample_of(small, 64)}, {});
  REQUIRE((b.native.size() == 2 && b.boxes[0].size() == 2 && b.boxes[1].size() == 1));
  CHECK((b.native[0]->truth.pixels == large.pixels && b.native[1]->truth.pixels == small.pixels));
  const label_map& numbers = b.native[0]->objects;
  CHECK((numbers.at(16, 17) == 1 && numbers.at(120, 210) == 2 && numbers.at(8, 120) == 0 && b.native[1]->objects.at(32, 42) == 1));
  // At the network's size the small object keeps a pixel of its number.
  CHECK((b.objects(0, 4, 4, 0) == 1 && b.objects(0, 28, 52, 0) == 2 && b.objects(1, 32, 42, 0) == 1));
  const batch plain = make_batch({sample_of(large, 64, false), sample_of(small, 64, false)}, {});
  CHECK(plain.native.empty());
  CHECK(std::equal(plain.masks.values().begin(), plain.masks.values().end(), b.masks.values().begin()));
  CHECK_THROWS_WITH_AS((void)make_batch({sample_of(large, 64), sample_of(small, 64, false)}, {}),
                       "dcs::make_batch: one lacks a native mask, one has it; expected all or none", error);
}

TEST_CASE("masks whose sizes contradict each other are errors that name the sample") {
  const auto refused = [](const sample& s, const char* why) { CHECK_THROWS_WITH_AS((void)make_batch({s}, {}), doctest::Contains(why), error); };
  const sample right = sample_of(disc(20, 20, 0.5, 0.5, 0.3), 64);
  sample s = right;
  s.native.truth = blank(10, 10), s.native.objects = {20, 20, std::vector<std::int32_t>(400, 1)};
  refused(s, "the native mask of one is 10 × 10, its objects 20 × 20; expected one size");
  CHECK_THROWS_WITH_AS((void)object_boxes(s), doctest::Contains("a mask of 10 × 10 with objects of 20 × 20"), error);
  CHECK_THROWS_WITH_AS(augment({}, s, random_stream{1, 1}), doctest::Contains("the native mask of one and its objects"), error);
  s = right, s.native.truth.pixels.pop_back();
  refused(s, "the native mask of one");
  s = right, s.truth = blank(10, 10);
  refused(s, "the mask's pixels of one are 10 × 10; expected 64 × 64");
  s = right, s.objects = {64, 64, std::vector<std::int32_t>(10, 1)};
  refused(s, "the objects of one");
}

TEST_CASE("augmentation moves image, mask and native mask alike, to a twentieth of the network's pixel") {
  augment_options o;
  o.brightness_contrast = o.gamma = o.noise = o.blur = 0;
  o.affine = o.grid = 1, o.flip_horizontal = o.flip_vertical = o.quarter_turn = 0.5;
  constexpr std::int64_t sizes[][2] = {{96, 96}, {192, 192}, {250, 400}, {300, 90}};
  for (const auto& size : sizes) {
    const std::int64_t h = size[0], w = size[1];
    CAPTURE(h);
    CAPTURE(w);
    constexpr int draws = 60;
    double off_y = 0, off_x = 0;
    for (std::uint64_t k = 0; k < draws; ++k) {
      const mask m = disc(h, w, 0.5 + 0.02 * std::fmod(static_cast<double>(k) * 0.618034, 1.0),
                          0.47 + 0.02 * std::fmod(static_cast<double>(k) * 0.754878, 1.0), 0.12);
      sample s = sample_of(m, 96);
      image picture{h, w, 1, m.pixels};
      for (auto& p : picture.pixels) p = static_cast<std::uint8_t>(p * 255);
      s.pixels = resize(picture, 96, 96);
      s.native.objects = {h, w, {m.pixels.begin(), m.pixels.end()}};
      sample alone = s;
      alone.native = {};
      augment(o, s, random_stream{4, 4}.child(k));
      augment(o, alone, random_stream{4, 4}.child(k));
      CHECK((alone.pixels.pixels == s.pixels.pixels && alone.truth.pixels == s.truth.pixels));  // nothing else changes
      CHECK(s.native.truth.pixels == foreground(s.native.objects).pixels);
      if (h == 96 && w == 96) CHECK(s.native.truth.pixels == s.truth.pixels);
      const auto native = middle_of(h, w, [&](auto y, auto x) { return s.native.truth.at(y, x); });
      const auto shown = middle_of(96, 96, [&](auto y, auto x) { return s.pixels.at(y, x, 0); });
      off_y += 96 * (native.first - shown.first) / draws, off_x += 96 * (native.second - shown.second) / draws;
    }
    CHECK(std::abs(off_y) < 0.05);
    CHECK(std::abs(off_x) < 0.05);
  }
}

TEST_CASE("a loader's batches carry native masks, augmented, and a sample's without are what they were") {
  struct one {
    bool native;
    std::int64_t size() const { return 2; }
    sample load(std::int64_t i) const { return sample_of(disc(160, 120, 0.4, 0.5 + 0.1 * static_cast<double>(i), 0.1), 64, native); }
  };
  const one with{true}, without{false};
  augment_options o;
  o.flip_horizontal = 1;
  const to_batch collate{{}, o};
  const auto a = data_loader(with, {.batch = 2, .seed = 3, .threads = 2}, collate).epoch(0).next(),
             b = data_loader(without, {.batch = 2, .seed = 3}, collate).epoch(0).next();
  REQUIRE((a && b && a->native.size() == 2 && b->native.empty()));
  CHECK(std::equal(a->images.values().begin(), a->images.values().end(), b->images.values().begin()));
  CHECK(std::equal(a->masks.values().begin(), a->masks.values().end(), b->masks.values().begin()));
  for (std::size_t n = 0; n < 2; ++n) {
    CHECK((a->native[n]->truth.height == 160 && a->native[n]->truth.width == 120));
    const float* row = a->masks.data() + static_cast<std::int64_t>(n) * 64 * 64;
    const auto native = middle_of(160, 120, [&](auto y, auto x) { return a->native[n]->truth.at(y, x); });
    const auto at_size = middle_of(64, 64, [&](auto y, auto x) { return row[y * 64 + x]; });
    CHECK(std::abs(native.first - at_size.first) * 64 < 0.5);
    CHECK(std::abs(native.second - at_size.second) * 64 < 0.5);
  }
}
