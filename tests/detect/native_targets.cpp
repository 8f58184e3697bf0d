// Targets of regions from native masks: they lie where their object is, so that pasting them at the native size gives the mask again.
#include <dcs/detect/native_targets.hpp>
#include <dcs/models/mask_rcnn/training.hpp>

#include <doctest/doctest.h>

using namespace dcs;

namespace {

constexpr std::int64_t side = 64;  // of the network

mask disc(std::int64_t h, std::int64_t w, double cy, double cx, double radius) {
  mask m{h, w, std::vector<std::uint8_t>(static_cast<std::size_t>(h * w), 0)};
  for (std::int64_t y = 0; y < h; ++y)
    for (std::int64_t x = 0; x < w; ++x)
      m.at(y, x) = std::hypot((static_cast<double>(y) + 0.5) * side / static_cast<double>(h) - cy,
                              (static_cast<double>(x) + 0.5) * side / static_cast<double>(w) - cx) <= radius;
  return m;
}
targets<float> native_of(const std::vector<native_mask>& masks) {
  const auto n = static_cast<extent_t>(masks.size());
  native_masks native;
  for (const auto& m : masks) native.push_back(std::make_shared<const native_mask>(m));
  return {tensor<float, mask_shape>::zeros({n, side, side, 1}), {}, tensor<float, mask_shape>::zeros({n, side, side, 1}), native};
}
tensor<float, shape<dyn<"roi">, 5>> roi(std::size_t image, const box<float>& b) {
  return tensor<float, shape<dyn<"roi">, 5>>::from(std::vector<float>{static_cast<float>(image), b.x1, b.y1, b.x2, b.y2}, {1, 5});
}

}  // namespace

TEST_CASE("a target that is pasted at the native size is the mask again: overlap, and the middle to a twentieth of a pixel") {
  constexpr std::int64_t sizes[][2] = {{64, 64}, {256, 256}, {400, 150}, {100, 333}};
  for (const auto& size : sizes) {
    const std::int64_t h = size[0], w = size[1];
    CAPTURE(h);
    CAPTURE(w);
    constexpr int discs = 60;
    double off_y = 0, off_x = 0, overlap = 0;
    for (int k = 0; k < discs; ++k) {
      const double cy = 20 + 20 * std::fmod(k * 0.618034, 1.0), cx = 20 + 20 * std::fmod(k * 0.754878, 1.0),
                   radius = 2.5 + 3 * std::fmod(k * 0.569840, 1.0);
      const mask m = disc(h, w, cy, cx, radius);
      const auto known = native_of({{}, {m, {}}});
      const auto corner = [&](double middle, double by) { return static_cast<float>(middle + by * (radius + 4 + std::fmod(k * 0.437016, 1.0))); };
      const box<float> b{corner(cx, -1), corner(cy, -0.9), corner(cx, 0.9), corner(cy, 1)};
      const auto t = region_targets<64>(known, roi(1, b));
      prediction p{side, side, std::vector<float>(side * side, 0.0f), {}};
      p.regions = {{b, 1, 64, {t.data(), t.data() + 64 * 64}}};
      mask again{h, w, std::vector<std::uint8_t>(m.pixels.size(), 0)};
      for (const auto& r : p.regions) {
        std::vector<float> image(m.pixels.size(), 0.0f);
        paste_resized(r.probabilities.data(), r.side, r.box, side, side, image.data(), h, w);
        for (std::size_t i = 0; i < image.size(); ++i) again.pixels[i] = image[i] > 0.5f;
      }
      double both = 0, either = 0, y[2] = {}, x[2] = {};
      for (std::int64_t i = 0; i < h; ++i)
        for (std::int64_t j = 0; j < w; ++j) {
          both += m.at(i, j) && again.at(i, j), either += m.at(i, j) || again.at(i, j);
          for (const int which : {0, 1})
            if ((which ? again : m).at(i, j))
              y[which] += static_cast<double>(i) / static_cast<double>((which ? again : m).count()),
                  x[which] += static_cast<double>(j) / static_cast<double>((which ? again : m).count());
        }
      overlap += both / either / discs, off_y += (y[1] - y[0]) / discs, off_x += (x[1] - x[0]) / discs;
    }
    CHECK(overlap > 0.95);
    CHECK(std::abs(off_y) < 0.05);
    CHECK(std::abs(off_x) < 0.05);
  }
}

TEST_CASE("a mask of the whole image fills every bin of boxes at and beyond its border, at every size; an empty one none") {
  for (const std::int64_t native : {40, 64, 300}) {
    const mask full{native, 2 * native, std::vector<std::uint8_t>(static_cast<std::size_t>(2 * native * native), 1)},
        empty{native, 2 * native, std::vector<std::uint8_t>(full.pixels.size(), 0)};
    const auto known = native_of({{full, {}}, {empty, {}}});
    for (const box<float>& b : {box<float>{0, 0, 64, 64}, {50, 55, 64, 64}, {0, 0, 3, 7}, {63, 63, 64, 64}, {10.5f, 20.25f, 11.5f, 60}}) {
      const auto ones = region_targets<8>(known, roi(0, b)), zeros = region_targets<8>(known, roi(1, b));
      for (std::size_t i = 0; i < 64; ++i) CHECK((ones.values()[i] == 1 && zeros.values()[i] == 0));
    }
    CHECK_THROWS_WITH_AS(region_targets<8>(known, roi(0, {0, 0, NAN, 4})), doctest::Contains("a corner of the box is"), error);
  }
}

TEST_CASE("without native masks targets are those of the masks, to the bit; no region is no target") {
  auto known = native_of({});
  known.masks = tensor<float, mask_shape>::zeros({1, side, side, 1}), known.native.clear();
  for (extent_t y = 20; y < 40; ++y)
    for (extent_t x = 10; x < 25; ++x) known.masks(0, y, x, 0) = 1;
  const auto r = roi(0, {7.3f, 15.1f, 31.2f, 44.4f});
  const auto a = region_targets<16>(known, r), b = region_targets<16>(known.masks, r);
  CHECK(std::equal(a.values().begin(), a.values().end(), b.values().begin()));
  const auto none = tensor<float, shape<dyn<"roi">, 5>>::empty({0, 5});
  CHECK(region_targets<16>(native_of({{disc(90, 90, 30, 30, 9), {}}}), none).sizes()[0] == 0);
}

TEST_CASE("Mask R-CNN's targets are each object's own, though another touches it") {
  native_mask two{disc(256, 256, 32, 32, 10), {256, 256, std::vector<std::int32_t>(256 * 256, 0)}};
  for (std::int64_t y = 0; y < 256; ++y)
    for (std::int64_t x = 0; x < 256; ++x)
      if (two.truth.at(y, x)) two.objects.at(y, x) = x < 128 ? 1 : 2;
  auto known = native_of({two});
  // Bins of one pixel of the network's image, which is four of the native: columns 24 to 39 in their middles, so that the objects part at bin 8.
  known.boxes = {{{23.5f, 23.5f, 39.5f, 39.5f}, {23.5f, 23.5f, 39.5f, 39.5f}}};
  const auto t = models::mask_rcnn::mask_targets<16>(known, models::mask_rcnn::true_regions(known.boxes));
  REQUIRE(t.sizes()[0] == 2);
  for (extent_t y = 4; y < 12; ++y)
    for (extent_t x = 4; x < 12; ++x) CHECK((t(0, y, x, 0) == (x < 8 ? 1 : 0) && t(1, y, x, 0) == (x < 8 ? 0 : 1)));
}
