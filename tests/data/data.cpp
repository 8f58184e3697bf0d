#include <dcs/data/augment.hpp>
#include <dcs/data/batch.hpp>
#include <dcs/data/folder.hpp>
#include <dcs/data/synthetic_set.hpp>

#include <doctest/doctest.h>

#include <fstream>

using namespace dcs;

namespace {
mask blank(std::int64_t h, std::int64_t w) { return {h, w, std::vector<std::uint8_t>(static_cast<std::size_t>(h * w), 0)}; }
}  // namespace

TEST_CASE("boxes of an image: 8-connected, small ones dropped, grown and clipped") {
  mask m = blank(40, 50);
  m.at(10, 10) = m.at(11, 11) = m.at(12, 12) = m.at(13, 11) = 1;  // connected by corners
  m.at(0, 0) = m.at(0, 1) = m.at(1, 0) = 1;                       // three pixels: dropped
  for (std::int64_t y = 30; y < 40; ++y) m.at(y, 49) = 1;
  const auto b = object_boxes(m);
  REQUIRE(b.size() == 2);
  CHECK(b[0] == box<float>{5, 5, 17, 18});
  CHECK(b[1] == box<float>{44, 25, 50, 40});
  CHECK(object_boxes(blank(8, 8)).empty());
}

TEST_CASE("resize: constants stay, shrinking averages") {
  float_image i{4, 4, 3, std::vector<float>(48, 7.0f)};
  for (float v : resize(i, 9, 3).pixels) CHECK(v == doctest::Approx(7));
  for (std::int64_t y = 0; y < 4; ++y)
    for (std::int64_t x = 0; x < 4; ++x)
      for (std::int64_t c = 0; c < 3; ++c) i.at(y, x, c) = static_cast<float>(x);
  const auto half = resize(i, 2, 2);
  CHECK(half.at(0, 0, 0) == doctest::Approx((0 * 3 + 1 * 3 + 2 * 1) / 7.0));  // triangle over four pixels: 3/8, 3/8, 1/8, cut at the edge
  CHECK(half.at(0, 1, 0) == doctest::Approx(3 - (0 * 3 + 1 * 3 + 2 * 1) / 7.0));
}

TEST_CASE("augmentation: a function of the stream; image and mask move alike") {
  const auto s = synthesize(modality::mri, 96, 1, 2);
  auto run = [&](std::uint64_t k) {
    auto i = to_float(s.pixels);
    auto m = s.truth;
    augment({}, i, m, {k, 1});
    return std::pair(i.pixels, m.pixels);
  };
  bool differ = false;
  for (std::uint64_t k = 0; k < 10; ++k) {
    CHECK(run(k) == run(k));
    differ = differ || run(k) != run(k + 1);
  }
  CHECK(differ);

  // Only geometry, of an image that is its own mask.
  augment_options o;
  o.brightness_contrast = o.gamma = o.noise = o.blur = 0;
  o.flip_horizontal = o.flip_vertical = o.quarter_turn = o.affine = o.grid = 1;
  for (std::uint64_t k = 0; k < 5; ++k) {
    auto m = s.truth;
    float_image i{96, 96, 3, std::vector<float>(96 * 96 * 3)};
    for (std::size_t p = 0; p < m.pixels.size(); ++p)
      for (std::size_t c = 0; c < 3; ++c) i.pixels[3 * p + c] = m.pixels[p] * 255.0f;
    augment(o, i, m, {k, 2});
    std::int64_t wrong = 0;
    for (std::size_t p = 0; p < m.pixels.size(); ++p) wrong += (i.pixels[3 * p] > 127.5f) != (m.pixels[p] == 1);
    CHECK(wrong <= m.count() / 3 + 4);  // nearest and bilinear differ along the outline only
    CHECK(m.count() > 0);
  }
  augment_options none = o;
  none.flip_horizontal = none.flip_vertical = none.quarter_turn = none.affine = none.grid = 0;
  auto i = to_float(s.pixels);
  auto m = s.truth;
  augment(none, i, m, {1, 1});
  CHECK(i.pixels == to_float(s.pixels).pixels);
}

TEST_CASE("synthetic lesions: small, reproducible, every kind") {
  for (auto kind : {modality::mri, modality::endoscopy, modality::ct})
    for (std::uint64_t k = 0; k < 6; ++k) {
      const auto a = synthesize(kind, 128, 3, k), b = synthesize(kind, 128, 3, k);
      CHECK(a.pixels.pixels == b.pixels.pixels);
      CHECK(a.truth.count() >= 20);
      CHECK(a.truth.count() < 128 * 128 / 100);
      CHECK(a.pixels.channels == (kind == modality::endoscopy ? 3 : 1));
    }
  CHECK_THROWS_AS(synthesize(modality::ct, 32, 0, 0), error);
}

TEST_CASE("images: PNG is read back; an error about a file that is no image names it") {
  const auto s = synthesize(modality::endoscopy, 64, 1, 1);
  io::write_png("image_test.tmp", s.pixels);
  const auto back = io::read_image("image_test.tmp");
  CHECK((back.pixels == s.pixels.pixels && back.channels == 3 && back.width == 64));
  {
    std::ifstream in("image_test.tmp", std::ios::binary);
    std::string bytes((std::istreambuf_iterator<char>(in)), {});
    std::ofstream("image_half.tmp", std::ios::binary) << bytes.substr(0, bytes.size() / 2);
  }
  CHECK_THROWS_WITH_AS(io::read_image("image_half.tmp"), doctest::Contains("image_half.tmp"), error);
  std::ofstream("image_bad.tmp") << "not an image at all";
  CHECK_THROWS_WITH_AS(io::read_image("image_bad.tmp"), doctest::Contains("neither PNG nor JPEG"), error);
  std::ofstream("image_bad.tmp") << "";
  CHECK_THROWS_WITH_AS(io::read_image("image_bad.tmp"), doctest::Contains("too short"), error);
  std::ofstream("image_bad.tmp", std::ios::binary) << "\xFF\xD8\xFF\xE0 nonsense behind a JPEG's first bytes";
  CHECK_THROWS_WITH_AS(io::read_image("image_bad.tmp"), doctest::Contains("image_bad.tmp"), error);
  CHECK_THROWS_WITH_AS(io::read_image("no_such_image"), doctest::Contains("cannot open"), error);
  for (const char* f : {"image_test.tmp", "image_half.tmp", "image_bad.tmp"}) std::remove(f);
}

TEST_CASE("folders: a missing mask, another size, an empty folder") {
  namespace fs = std::filesystem;
  const fs::path root = "folder_test.tmp";
  fs::remove_all(root);
  CHECK_THROWS_WITH_AS(folder_dataset(root.string(), "train", 64), doctest::Contains("no folder"), error);
  fs::create_directories(root / "train" / "images"), fs::create_directories(root / "train" / "masks");
  CHECK_THROWS_WITH_AS(folder_dataset(root.string(), "train", 64), doctest::Contains("no image"), error);
  const auto s = synthesize(modality::mri, 64, 1, 1);
  io::write_png((root / "train/images/b.png").string(), s.pixels);
  CHECK_THROWS_WITH_AS(folder_dataset(root.string(), "train", 64), doctest::Contains("has no mask"), error);
  io::write_mask((root / "train/masks/b.png").string(), s.truth);
  const folder_dataset data(root.string(), "train", 32);
  CHECK(data.size() == 1);
  const auto x = data.load(0);
  CHECK((x.name == "b.png" && x.pixels.height == 32 && x.truth.width == 32 && x.native_width == 64));
  io::write_png((root / "train/masks/b.png").string(), {32, 64, 1, std::vector<std::uint8_t>(2048, 0)});
  CHECK_THROWS_WITH_AS(data.load(0), doctest::Contains("its image"), error);
  fs::remove_all(root);
}

TEST_CASE("a synthetic set is what a folder reads back: every image once, masks as they were") {
  namespace fs = std::filesystem;
  const std::string root = "set_test.tmp";
  fs::remove_all(root);
  const auto written = write_synthetic_set(root, modality::ct, 64, 5, {.train = 2, .val = 1});
  CHECK(written.images == 3);
  CHECK((written.lesion_share > 0 && written.lesion_share < 0.01));
  CHECK(!fs::exists(root + "/test"));
  const folder_dataset train(root, "train", 64), val(root, "val", 64);
  REQUIRE((train.size() == 2 && val.size() == 1));
  for (std::uint64_t i = 0; i < 3; ++i) {
    const auto made = synthesize(modality::ct, 64, 5, i);
    const auto read = i < 2 ? train.load(static_cast<std::int64_t>(i)) : val.load(0);
    CHECK(read.truth.pixels == made.truth.pixels);
    CHECK(read.pixels.pixels == to_float(made.pixels).pixels);
  }
  CHECK_THROWS_WITH_AS(write_synthetic_set(root, modality::ct, 64, 5, {.test = 1}), doctest::Contains("holds a set already"), error);
  fs::remove_all(root);
}

TEST_CASE("predictions of a batch: each image's part of the map, in f32") {
  auto p = tensor<double, mask_shape>::zeros({2, 3, 4, 1});
  for (extent_t i = 0; i < p.size(); ++i) p.data()[i] = static_cast<double>(i) / 32;
  const auto found = predictions_of(p * 0.5);
  REQUIRE(found.size() == 2);
  for (std::size_t n = 0; n < 2; ++n) {
    CHECK((found[n].height == 3 && found[n].width == 4 && found[n].probability.size() == 12 && found[n].detections.empty()));
    for (std::size_t i = 0; i < 12; ++i) CHECK(found[n].probability[i] == static_cast<float>(12 * n + i) / 64);
  }
  CHECK(predictions_of(tensor<float, mask_shape>::zeros({0, 3, 4, 1})).empty());
}
