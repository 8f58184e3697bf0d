// A folder of images as people leave it: what is found, and what is said where something is missing.
#include <dcs/data/folder.hpp>

#include <doctest/doctest.h>

#include <fstream>

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

void write_grey_jpeg(const std::string& path, const image& i) {
  std::FILE* f = std::fopen(path.c_str(), "wb");
  REQUIRE(f != nullptr);
  jpeg_compress_struct c;
  jpeg_error_mgr e;
  c.err = jpeg_std_error(&e);
  jpeg_create_compress(&c);
  jpeg_stdio_dest(&c, f);
  c.image_width = static_cast<JDIMENSION>(i.width), c.image_height = static_cast<JDIMENSION>(i.height), c.input_components = 1,
  c.in_color_space = JCS_GRAYSCALE;
  jpeg_set_defaults(&c);
  jpeg_start_compress(&c, TRUE);
  while (c.next_scanline < c.image_height) {
    auto* row = const_cast<JSAMPROW>(i.pixels.data() + static_cast<std::size_t>(c.next_scanline) * static_cast<std::size_t>(i.width));
    jpeg_write_scanlines(&c, &row, 1);
  }
  jpeg_finish_compress(&c);
  jpeg_destroy_compress(&c);
  std::fclose(f);
}

static_assert(dataset<folder_dataset>);

}  // namespace

TEST_CASE("a folder: names in order, image and mask at the asked size") {
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
  CHECK(x.truth.count() == 0);  // nearest neighbour takes even columns only
  const sample large = d.at_side(16).load(1);
  CHECK(large.truth.count() == 2);
  const mask native = d.native_truth(1);
  CHECK((native.height == 8 && native.width == 16 && native.count() == 1 && native.at(3, 5)));
  CHECK((large.truth.at(6, 5) && large.truth.at(7, 5)));
}

TEST_CASE("a folder: a mask may have another extension; lossless masks are non-zero, JPEG ones above 127") {
  const temporary_set s;
  io::write_png(s.image_at("a.jpg"), grey(4, 4, 9));  // the bytes decide what it is
  io::write_png(s.mask_at("a.PNG"), grey(4, 4, 1));
  CHECK(s.open(4).load(0).truth.count() == 16);
  CHECK(s.open(4).native_truth(0).count() == 16);
  for (const int value : {100, 200}) {
    fs::remove(s.mask_at("a.PNG"));
    write_grey_jpeg(s.mask_at("a.jpeg"), grey(4, 4, static_cast<std::uint8_t>(value)));
    CHECK(s.open(4).load(0).truth.count() == (value > 127 ? 16 : 0));
  }
}

TEST_CASE("a folder: what is wrong is said with the file's name") {
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
