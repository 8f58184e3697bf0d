// Images and masks that say which side is up, in EXIF of a JPEG or PNG; damaged EXIF; JPEGs of four inks.
#include "raw_images.hpp"

#include <filesystem>

using namespace dcs;

namespace {

const std::string png_path = "orientation_test.png", jpeg_path = "orientation_test.jpg";

struct remove_files {
  ~remove_files() { std::filesystem::remove(png_path), std::filesystem::remove(jpeg_path); }
};

// An EXIF block with one entry, the orientation, in either byte order.
std::string exif(int orientation, bool big, int type = 3, int count = 1) {
  std::string out(big ? std::string("MM\0*", 4) : std::string("II*\0", 4));
  const auto put = [&](std::uint32_t value, int bytes) {
    for (int k = 0; k < bytes; ++k) out += static_cast<char>(value >> 8 * (big ? bytes - 1 - k : k) & 255);
  };
  put(8, 4), put(1, 2), put(274, 2), put(static_cast<std::uint32_t>(type), 2), put(static_cast<std::uint32_t>(count), 4);
  put(static_cast<std::uint32_t>(orientation), 2), put(0, 2), put(0, 4);
  return out;
}

std::string big_endian(std::uint32_t n) {
  std::string s;
  for (int k = 24; k >= 0; k -= 8) s += static_cast<char>(n >> k & 255);
  return s;
}
// The bytes of a PNG with an eXIf chunk before its pixels, or behind them.
std::string with_exif(const std::string& png, const std::string& block, bool behind) {
  std::uint32_t crc = 0xFFFFFFFFu;  // of PNG's annex D
  for (const char c : "eXIf" + block) {
    crc ^= static_cast<unsigned char>(c);
    for (int k = 0; k < 8; ++k) crc = (crc & 1) != 0 ? crc >> 1 ^ 0xEDB88320u : crc >> 1;
  }
  const std::string chunk = big_endian(static_cast<std::uint32_t>(block.size())) + "eXIf" + block + big_endian(~crc);
  std::string out = png;
  return out.insert(behind ? png.size() - 12 : 33, chunk);
}
std::string with_app1(const std::string& jpeg, const std::string& block) {
  const std::string data = std::string("Exif\0\0", 6) + block;
  const auto length = static_cast<std::uint32_t>(data.size() + 2);
  std::string out = jpeg;
  return out.insert(2, std::string("\xFF\xE1") + static_cast<char>(length >> 8) + static_cast<char>(length & 255) + data);
}

// 16 × 24 pixels, bright in the top left corner alone, in blocks that JPEG keeps.
image corner() {
  image i{16, 24, 1, std::vector<std::uint8_t>(16 * 24, 0)};
  for (std::size_t y = 0; y < 8; ++y)
    for (std::size_t x = 0; x < 8; ++x) i.pixels[y * 24 + x] = 255;
  return i;
}

}  // namespace

TEST_CASE("orientation: images and masks are turned as EXIF says, in each of its byte orders, and a warning says so") {
  const remove_files cleanup;
  io::write_png(png_path, corner());
  const std::string png = raw::bytes_of(png_path);
  raw::write_jpeg(jpeg_path, corner(), {100});
  const std::string jpeg = raw::bytes_of(jpeg_path);
  // Where the bright corner is shown: bottom? right?
  constexpr bool bottom[] = {false, false, true, true, false, false, true, true}, right[] = {false, true, true, false, false, true, true, false};
  for (int o = 1; o <= 8; ++o)
    for (const bool big : {false, true})
      for (const bool behind : {false, true}) {
        CAPTURE(o);
        const raw::warnings said;
        raw::put_bytes(png_path, with_exif(png, exif(o, big), behind)), raw::put_bytes(jpeg_path, with_app1(jpeg, exif(o, big)));
        for (const std::string& path : {png_path, jpeg_path}) {
          const image i = io::read_image(path);
          const mask m = io::read_mask(path);
          REQUIRE((i.height == (o >= 5 ? 24 : 16) && i.width == (o >= 5 ? 16 : 24) && m.height == i.height && m.width == i.width));
          const std::int64_t y = bottom[o - 1] ? i.height - 4 : 4, x = right[o - 1] ? i.width - 4 : 4;
          CHECK(m.at(y, x) == 1);
          CHECK(m.count() == 64);
          CHECK(i.pixels[static_cast<std::size_t>(y * i.width + x)] > 250);
        }
        CHECK(io::read_labels(png_path).at(bottom[o - 1] ? (o >= 5 ? 20 : 12) : 4, right[o - 1] ? (o >= 5 ? 12 : 20) : 4) == 1);
        CHECK(said.files("turned") == (o == 1 ? 0 : 2));
      }
}

TEST_CASE("orientation: a damaged or odd EXIF block leaves an image as it is stored") {
  const std::string good = exif(6, false);
  CHECK(io::exif_orientation(good) == 6);
  CHECK(io::exif_orientation(exif(6, true)) == 6);
  for (std::size_t keep = 0; keep + 4 < good.size(); ++keep) CHECK(io::exif_orientation(good.substr(0, keep)) == 1);
  for (const int o : {0, 9, 255}) CHECK(io::exif_orientation(exif(o, true)) == 1);
  CHECK(io::exif_orientation(exif(6, false, 4)) == 1);     // no short
  CHECK(io::exif_orientation(exif(6, false, 3, 2)) == 1);  // two of them
  std::string far = good, many = good, back = good;
  far.replace(4, 4, "\xFF\xFF\xFF\xFF"), many.replace(8, 2, "\xFF\xFF"), back.replace(4, 4, std::string(4, '\0'));
  CHECK(io::exif_orientation(far) == 1);
  CHECK(io::exif_orientation(many) == 6);
  many.replace(10, 2, "\1\1");  // other tags, and then the end
  CHECK(io::exif_orientation(many) == 1);
  CHECK(io::exif_orientation(back) == 1);
}

TEST_CASE("JPEG: inks become colours, as Adobe writes them and as they are, progressive too") {
  const remove_files cleanup;
  // 8 × 8 pixels each of white, red, black and half grey: cyan, magenta, yellow, black.
  const std::uint8_t inks[4][4] = {{0, 0, 0, 0}, {0, 255, 255, 0}, {0, 0, 0, 255}, {0, 0, 0, 128}};
  const int colours[4][3] = {{255, 255, 255}, {255, 0, 0}, {0, 0, 0}, {127, 127, 127}};
  for (const bool adobe : {false, true})
    for (const bool progressive : {false, true}) {
      image i{8, 32, 4, {}};
      for (int y = 0; y < 8; ++y)
        for (int x = 0; x < 32; ++x)
          for (const std::uint8_t ink : inks[x / 8]) i.pixels.push_back(static_cast<std::uint8_t>(adobe ? 255 - ink : ink));
      raw::write_jpeg(jpeg_path, i, {100, progressive, adobe});
      const image r = io::read_image(jpeg_path);
      REQUIRE((r.channels == 3 && r.pixels.size() == 8 * 32 * 3));
      for (std::size_t block = 0; block < 4; ++block)
        for (std::size_t c = 0; c < 3; ++c) CHECK(std::abs(r.pixels[(3 * 32 + 8 * block + 4) * 3 + c] - colours[block][c]) <= 3);
    }
}
