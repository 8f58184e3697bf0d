// Every kind of PNG and JPEG arrives as 8-bit grey or RGB; every damaged one is refused with its name.
#include <dcs/io/image.hpp>

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

using namespace dcs;

namespace {

const std::string png_path = "image_test.png", jpeg_path = "image_test.jpg";

// A PNG of any kind, row bytes as the format stores them.
void write_raw_png(std::uint32_t width, std::uint32_t height, int bits, int type, const std::vector<std::vector<png_byte>>& rows,
                   const std::vector<png_color>& palette = {}) {
  std::FILE* f = std::fopen(png_path.c_str(), "wb");
  REQUIRE(f != nullptr);
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  png_init_io(png, f);
  png_set_IHDR(png, info, width, height, bits, type, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  if (!palette.empty()) png_set_PLTE(png, info, palette.data(), static_cast<int>(palette.size()));
  png_write_info(png, info);
  for (const auto& r : rows) png_write_row(png, r.data());
  png_write_end(png, nullptr);
  png_destroy_write_struct(&png, &info);
  std::fclose(f);
}

void write_jpeg(const image& i, int quality) {
  std::FILE* f = std::fopen(jpeg_path.c_str(), "wb");
  REQUIRE(f != nullptr);
  jpeg_compress_struct c;
  jpeg_error_mgr e;
  c.err = jpeg_std_error(&e);
  jpeg_create_compress(&c);
  jpeg_stdio_dest(&c, f);
  c.image_width = static_cast<JDIMENSION>(i.width), c.image_height = static_cast<JDIMENSION>(i.height);
  c.input_components = static_cast<int>(i.channels), c.in_color_space = i.channels == 3 ? JCS_RGB : JCS_GRAYSCALE;
  jpeg_set_defaults(&c);
  jpeg_set_quality(&c, quality, TRUE);
  jpeg_start_compress(&c, TRUE);
  while (c.next_scanline < c.image_height) {
    auto* row = const_cast<JSAMPROW>(i.pixels.data() + static_cast<std::size_t>(c.next_scanline) * static_cast<std::size_t>(i.width * i.channels));
    jpeg_write_scanlines(&c, &row, 1);
  }
  jpeg_finish_compress(&c);
  jpeg_destroy_compress(&c);
  std::fclose(f);
}

image smooth(std::int64_t h, std::int64_t w, std::int64_t channels) {
  image i{h, w, channels, {}};
  for (std::int64_t y = 0; y < h; ++y)
    for (std::int64_t x = 0; x < w; ++x)
      for (std::int64_t c = 0; c < channels; ++c) i.pixels.push_back(static_cast<std::uint8_t>(40 + 3 * y + 2 * x + 30 * c));
  return i;
}

std::string bytes_of(const std::string& path) {
  std::ifstream f(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(f), {}};
}

void put_bytes(const std::string& path, const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }

void check_refused(const std::string& path, const std::string& bytes) {
  put_bytes(path, bytes);
  CHECK_THROWS_WITH_AS(io::read_image(path), doctest::Contains(path.c_str()), error);
}

}  // namespace

TEST_CASE("PNG: what is written is read") {
  for (std::int64_t channels : {1, 3}) {
    const auto i = smooth(11, 7, channels);
    io::write_png(png_path, i);
    const auto r = io::read_image(png_path);
    CHECK(r.height == 11);
    CHECK(r.width == 7);
    CHECK(r.channels == channels);
    CHECK(r.pixels == i.pixels);
  }
  CHECK_THROWS_AS(io::write_png(png_path, image{2, 2, 2, std::vector<std::uint8_t>(8)}), error);
  CHECK_THROWS_AS(io::write_png(png_path, image{2, 2, 1, std::vector<std::uint8_t>(3)}), error);
  CHECK_THROWS_WITH_AS(io::write_png("no/such/folder.png", smooth(2, 2, 1)), doctest::Contains("no/such/folder.png"), error);
  CHECK_FALSE(io::is_jpeg(png_path));
  std::filesystem::remove(png_path);
}

TEST_CASE("PNG: 1 bit, 16 bits, palette and alpha") {
  using bytes = std::vector<std::uint8_t>;
  write_raw_png(10, 1, 1, PNG_COLOR_TYPE_GRAY, {{0b10110000, 0b01000000}});
  auto i = io::read_image(png_path);
  CHECK(i.channels == 1);
  CHECK(i.pixels == bytes{255, 0, 255, 255, 0, 0, 0, 0, 0, 255});

  write_raw_png(3, 1, 16, PNG_COLOR_TYPE_GRAY, {{0, 0, 0x80, 0x80, 0xFF, 0xFF}});
  CHECK(io::read_image(png_path).pixels == bytes{0, 128, 255});

  write_raw_png(2, 1, 16, PNG_COLOR_TYPE_RGB, {{0x10, 0x10, 0x20, 0x20, 0x30, 0x30, 0xFF, 0xFF, 0, 0, 0x40, 0x40}});
  i = io::read_image(png_path);
  CHECK(i.channels == 3);
  CHECK(i.pixels == bytes{0x10, 0x20, 0x30, 255, 0, 0x40});

  write_raw_png(3, 1, 8, PNG_COLOR_TYPE_PALETTE, {{0, 2, 1}}, {{0, 0, 0}, {0, 128, 0}, {9, 8, 7}});
  CHECK(io::read_image(png_path).pixels == bytes{0, 0, 0, 9, 8, 7, 0, 128, 0});

  write_raw_png(2, 1, 8, PNG_COLOR_TYPE_GRAY_ALPHA, {{90, 255, 90, 0}});
  i = io::read_image(png_path);
  CHECK(i.channels == 1);
  CHECK(i.pixels == bytes{90, 0});

  write_raw_png(1, 2, 8, PNG_COLOR_TYPE_RGB_ALPHA, {{1, 2, 3, 255}, {200, 100, 50, 0}});
  CHECK(io::read_image(png_path).pixels == bytes{1, 2, 3, 0, 0, 0});
  std::filesystem::remove(png_path);
}

TEST_CASE("JPEG: grey and colour") {
  for (std::int64_t channels : {1, 3}) {
    const auto i = smooth(19, 33, channels);
    write_jpeg(i, 98);
    CHECK(io::is_jpeg(jpeg_path));
    const auto r = io::read_image(jpeg_path);
    CHECK(r.height == 19);
    CHECK(r.width == 33);
    REQUIRE(r.channels == channels);
    int worst = 0;
    for (std::size_t k = 0; k < i.pixels.size(); ++k)
      worst = std::max(worst, std::abs(static_cast<int>(r.pixels[k]) - static_cast<int>(i.pixels[k])));
    CHECK(worst <= 8);
  }
  // The bytes decide, not the name.
  std::filesystem::rename(jpeg_path, png_path);
  CHECK(io::read_image(png_path).channels == 3);
  std::filesystem::remove(png_path);
}

TEST_CASE("damaged images are refused by name") {
  for (const char* bytes : {"", "x", "GIF89a and more bytes than eight", "\xFF\xD8\xFF", "\xFF\xD8\xFF and nothing of a JPEG"})
    check_refused(png_path, bytes);
  CHECK_THROWS_WITH_AS(io::read_image("no_such_file.png"), doctest::Contains("no_such_file.png"), error);
  CHECK_THROWS_AS(io::read_image("."), error);

  io::write_png(png_path, smooth(64, 64, 3));
  const std::string png = bytes_of(png_path);
  for (std::size_t keep : {std::size_t{8}, std::size_t{20}, std::size_t{40}, png.size() / 2, png.size() - 20}) {
    CAPTURE(keep);
    check_refused(png_path, png.substr(0, keep));
  }
  std::string flipped = png;
  flipped[png.size() / 2] = static_cast<char>(flipped[png.size() / 2] ^ 0x55);
  check_refused(png_path, flipped);

  write_jpeg(smooth(64, 64, 3), 90);
  const std::string jpeg = bytes_of(jpeg_path);
  for (std::size_t keep : {std::size_t{10}, std::size_t{200}, jpeg.size() / 2, jpeg.size() - 10}) {
    CAPTURE(keep);
    check_refused(jpeg_path, jpeg.substr(0, keep));
  }

  // Sizes that no memory holds, in the headers of otherwise good files.
  std::string huge = jpeg;
  const auto frame = huge.find("\xFF\xC0");
  REQUIRE(frame != std::string::npos);
  for (std::size_t k = 0; k < 4; ++k) huge[frame + 5 + k] = static_cast<char>(k % 2 == 0 ? 0xFF : 0x00);
  put_bytes(jpeg_path, huge);
  CHECK_THROWS_WITH_AS(io::read_image(jpeg_path), doctest::Contains("more than can be read"), error);
  write_raw_png(1u << 19, 0x201, 1, PNG_COLOR_TYPE_GRAY, std::vector<std::vector<png_byte>>(0x201, std::vector<png_byte>(1u << 16)));
  CHECK_THROWS_WITH_AS(io::read_image(png_path), doctest::Contains("more than can be read"), error);
  std::filesystem::remove(png_path), std::filesystem::remove(jpeg_path);
}
