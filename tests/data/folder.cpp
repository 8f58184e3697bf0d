// Folders of images as they occur in practice: which files are found, and the errors where something is missing.
#include "../io/raw_images.hpp"

#include <dcs/data/batch.hpp>
#include <dcs/data/folder.hpp>

#include <sys/stat.h>

using namespace dcs;
namespace fs = std::filesystem;

namespace {

// A set in a folder of its own, removed at the end.
struct temporary_set {
  fs::path root = fs::temp_directory_path() / ("dcs_folder_test_" + std::to_string(reinterpret_cast<std::uintptr_t>(this)));
  temporary_set() {
    fs::create_directories(root / "train" / "images");
    fs::create_directories(root / "train" / "masks");
  }
  temporary_set(const temporary_set&) = delete;
  ~temporary_set() { fs::remove_all(root); }
  std::string image_at(const std::string& name) const { return (root / "train" / "images" / name).string(); }
  std::string mask_at(const std::string& name) const { return (root / "train" / "masks" / name).string(); }
  folder_dataset open(std::int64_t side) const { return folder_dataset(root.string(), "train", side); }
};

image grey(std::int64_t h, std::int64_t w, std::uint8_t value) {
  return {h, w, 1, std::vector<std::uint8_t>(static_cast<std::size_t>(h * w), value)};
}

static_assert(dataset<folder_dataset>);

}  // namespace

TEST_CASE("a folder: names in order, image and mask at the asked size") {
  const raw::warnings said;
  const temporary_set s;
  auto m = grey(8, 16, 0);
  m.pixels[3 * 16 + 5] = 1;  // a label of 1, hardly visible in the file
  for (const char* name : {"b.png", "a.png", "c.png"}) {
    io::write_png(s.image_at(name), grey(8, 16, 100));
    io::write_png(s.mask_at(name), m);
  }
  std::ofstream(s.image_at(".hidden")) << "left by a system";
  const auto d = s.open(8);
  REQUIRE(d.size() == 3);
  CHECK(d.name(0) == "a.png");
  CHECK(d.name(2) == "c.png");
  const sample x = d.load(1);
  CHECK(x.name == "b.png");
  CHECK(x.native_height == 8);
  CHECK(x.native_width == 16);
  CHECK(x.pixels.height == 8);
  CHECK(x.pixels.channels == 3);
  CHECK(x.pixels.at(4, 4, 2) == doctest::Approx(100));
  CHECK((x.truth.count() == 1 && x.truth.at(3, 2)));  // the object's only pixel
  (void)d.load(2), (void)d.load(1);                   // a file counts once
  const sample large = d.at_side(16).load(1);
  CHECK(large.truth.count() == 2);
  const mask native = d.native_truth(1);
  CHECK((native.height == 8 && native.width == 16 && native.count() == 1 && native.at(3, 5)));
  CHECK((large.truth.at(6, 5) && large.truth.at(7, 5)));
  CHECK(said.files("objects under 4 pixels at 8 × 8") == 2);
  CHECK(said.files("objects under 4 pixels at 16 × 16") == 1);
  CHECK(said.first().find("masks/b.png") != std::string::npos);
}

TEST_CASE("a folder: samples keep native masks where they are asked to and these are larger than the asked size") {
  const raw::warnings said;
  const temporary_set s;
  auto m = grey(16, 40, 0);
  for (const std::size_t p : std::array<std::size_t, 4>{3 * 40 + 5, 3 * 40 + 6, 4 * 40 + 5, 4 * 40 + 6}) m.pixels[p] = 7;
  io::write_png(s.image_at("a.png"), grey(16, 40, 100)), io::write_png(s.mask_at("a.png"), m);
  CHECK(s.open(8).load(0).native.empty());
  CHECK(said.files("objects under 4 pixels at 8 × 8") == 1);
  CHECK(object_boxes(s.open(8).load(0)).empty());
  const folder_dataset keeps = s.open(8).keeping_native_masks();
  const sample kept = keeps.load(0);
  CHECK((kept.native.truth.height == 16 && kept.native.truth.width == 40 && kept.native.truth.count() == 4 && kept.native.objects.empty()));
  CHECK((kept.truth.pixels == s.open(8).load(0).truth.pixels && object_boxes(kept).size() == 1));
  CHECK(keeps.at_side(32).load(0).native.truth.count() == 4);  // one side is larger
  const sample shown_larger = keeps.at_side(64).load(0);       // than it is: the mask at the asked size, so that all images have one
  CHECK((shown_larger.native.truth.pixels == shown_larger.truth.pixels && shown_larger.native.truth.width == 64));
  CHECK(object_boxes(shown_larger) == object_boxes(s.open(64).load(0)));
  const sample numbered = folder_dataset(s.root.string(), "train", 8, {}, mask_values::objects).keeping_native_masks().load(0);
  CHECK((numbered.native.truth.pixels == kept.native.truth.pixels && numbered.native.objects.at(4, 6) == 1 && object_boxes(numbered).size() == 1));
}

TEST_CASE("a folder: a mask may have another extension; lossless masks are non-zero, JPEG ones above 127") {
  const temporary_set s;
  io::write_png(s.image_at("a.jpg"), grey(4, 4, 9));  // the format is recognised from the contents, not the name
  io::write_png(s.mask_at("a.PNG"), grey(4, 4, 1));
  CHECK(s.open(4).load(0).truth.count() == 16);
  CHECK(s.open(4).native_truth(0).count() == 16);
  fs::remove(s.mask_at("a.PNG"));
  raw::write_jpeg(s.mask_at("a.jpeg"), grey(4, 4, 200));
  CHECK(s.open(4).load(0).truth.count() == 16);
  raw::write_jpeg(s.mask_at("a.jpeg"), grey(4, 4, 100));
  CHECK_THROWS_WITH_AS(s.open(4).load(0), doctest::Contains("a.jpeg: no sample is above 127"), error);
}

TEST_CASE("a folder: errors name the file") {
  const temporary_set s;
  CHECK_THROWS_WITH_AS(folder_dataset(s.root.string(), "val", 8), doctest::Contains("val"), error);
  CHECK_THROWS_WITH_AS(s.open(8), doctest::Contains("holds no image"), error);
  io::write_png(s.image_at("a.png"), grey(4, 4, 9));
  CHECK_THROWS_WITH_AS(s.open(8), doctest::Contains("a.png has no mask"), error);
  io::write_png(s.mask_at("a.png"), grey(4, 5, 9));
  CHECK_THROWS_WITH_AS(s.open(8).load(0), doctest::Contains("is 4 × 5, its image 4 × 4"), error);
  std::ofstream(s.mask_at("a.png")) << "no image at all";
  CHECK_THROWS_WITH_AS(s.open(8).load(0), doctest::Contains("masks/a.png: neither PNG nor JPEG"), error);
}

TEST_CASE("a folder: entries that are no files, and ambiguous names, are errors that name them") {
  const raw::warnings said;
  const temporary_set s;
  io::write_png(s.image_at("a.png"), grey(4, 4, 9)), io::write_png(s.mask_at("a.png"), grey(4, 4, 9));
  CHECK(s.open(4).size() == 1);
  CHECK(said.files("") == 0);
  for (const bool as_mask : {false, true}) {
    const std::string odd = as_mask ? s.mask_at("b.png") : s.image_at("b.png"), other = as_mask ? s.image_at("b.png") : s.mask_at("b.png");
    io::write_png(other, grey(4, 4, 9));
    auto refused = [&](const char* text) {
      CHECK_THROWS_WITH_AS(s.open(4), doctest::Contains(text), error);
      CHECK_THROWS_WITH_AS(s.open(4), doctest::Contains(odd.c_str()), error);
      fs::remove(odd);
    };
    fs::create_symlink("/nowhere/x.png", odd), refused("is a link to nothing");
    fs::create_directory(odd), refused("is a folder");
    REQUIRE(::mkfifo(odd.c_str(), 0600) == 0);
    refused("is a FIFO");
    fs::create_symlink(other, odd);
    CHECK(s.open(4).size() == 2);  // a link to a file is that file
    fs::remove(odd);
    // Another of a's stem.
    const std::string twin = as_mask ? s.mask_at("a.jpg") : s.image_at("a.jpg");
    fs::remove(other), io::write_png(twin, grey(4, 4, 9));
    CHECK_THROWS_WITH_AS(s.open(4), doctest::Contains(as_mask ? "has two masks" : "have one stem"), error);
    CHECK_THROWS_WITH_AS(s.open(4), doctest::Contains(twin.c_str()), error);
    fs::remove(twin);
  }
  CHECK(said.files("") == 0);
  io::write_png(s.mask_at("gone.png"), grey(4, 4, 9));
  CHECK(s.open(4).size() == 1);
  CHECK(said.files("masks without an image") == 1);
}

TEST_CASE("a folder: images beyond the limits are refused") {
  const temporary_set s;
  io::write_png(s.image_at("a.png"), grey(4, 4, 9)), io::write_png(s.mask_at("a.png"), grey(4, 4, 9));
  CHECK(folder_dataset(s.root.string(), "train", 4, {16}).load(0).truth.count() == 16);
  CHECK_THROWS_WITH_AS(folder_dataset(s.root.string(), "train", 4, {15}).load(0), doctest::Contains("more than the 15"), error);
}

TEST_CASE("a folder whose masks number objects: two that touch have a box each, at every size, and pixels that say whose they are") {
  const temporary_set s;
  io::write_png(s.image_at("a.png"), grey(32, 32, 9));
  auto m = grey(32, 32, 0);
  for (std::size_t y = 8; y < 16; ++y)
    for (std::size_t x = 4; x < 28; ++x) m.pixels[y * 32 + x] = x < 14 ? 200 : 3;
  io::write_png(s.mask_at("a.png"), m);
  for (const std::int64_t side : {16, 32, 64}) {
    const folder_dataset components(s.root.string(), "train", side), objects(s.root.string(), "train", side, {}, mask_values::objects);
    const sample one = components.load(0), two = objects.load(0);
    CHECK(one.truth.pixels == two.truth.pixels);
    CHECK(object_boxes(one).size() == 1);
    REQUIRE(object_boxes(two).size() == 2);
    const batch b = make_batch({two}, {});
    REQUIRE(b.boxes[0].size() == 2);
    CHECK(b.boxes[0][0].x1 < b.boxes[0][1].x1);
    const std::int64_t y = 12 * side / 32;
    CHECK(b.objects(0, y, 6 * side / 32, 0) == 1);
    CHECK(b.objects(0, y, 24 * side / 32, 0) == 2);
    CHECK(b.objects(0, 0, 0, 0) == 0);
  }
  raw::write_jpeg(s.mask_at("a.jpg"), grey(32, 32, 200)), fs::remove(s.mask_at("a.png"));
  CHECK_THROWS_WITH_AS(folder_dataset(s.root.string(), "train", 32, {}, mask_values::objects).load(0), doctest::Contains("expected a PNG"), error);
}
