// Every kind of PNG and JPEG is read as 8-bit grey or RGB; every damaged one is an error that names the file.
#include "raw_images.hpp"

#include <filesystem>

#include <sys/stat.h>
#include <zlib.h>

using namespace dcs;

namespace {

using raw::bytes_of;
using raw::put_bytes;

const std::string png_path = "image_test.png", jpeg_path = "image_test.jpg";

void write_raw_png(std::uint32_t width, std::uint32_t height, int bits, int type, const std::vector<std::vector<png_byte>>& rows,
                   const std::vector<png_color>& palette = {}) {
  raw::write(png_path, {width, height, bits, type, rows, palette});
}
void write_jpeg(const image& i, int quality) { raw::write_jpeg(jpeg_path, i, {quality}); }

image smooth(std::int64_t h, std::int64_t w, std::int64_t channels) {
  image i{h, w, channels, {}};
  for (std::int64_t y = 0; y < h; ++y)
    for (std::int64_t x = 0; x < w; ++x)
      for (std::int64_t c = 0; c < channels; ++c) i.pixels.push_back(static_cast<std::uint8_t>(40 + 3 * y + 2 * x + 30 * c));
  return i;
}

void check_refused(const std::string& path, const std::string& bytes) {
  put_bytes(path, bytes);
  CHECK_THROWS_WITH_AS(io::read_image(path), doctest::Contains(path.c_str()), error);
}

}  // namespace

TEST_CASE("PNG: a written file is read back") {
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

TEST_CASE("damaged images are errors that name the file") {
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

  std::filesystem::remove(png_path), std::filesystem::remove(jpeg_path);
}

TEST_CASE("PNG: interlaced, and with any gamma or colour profile, samples are as stored") {
  std::vector<std::vector<png_byte>> rows;
  image want{5, 9, 3, {}};
  for (int y = 0; y < 5; ++y) {
    rows.emplace_back();
    for (int x = 0; x < 27; ++x) rows.back().push_back(static_cast<png_byte>(50 * y + x));
    want.pixels.insert(want.pixels.end(), rows.back().begin(), rows.back().end());
  }
  for (const bool interlaced : {false, true})
    for (const bool managed : {false, true}) {
      raw::png p{9, 5, 8, PNG_COLOR_TYPE_RGB, rows};
      p.interlaced = interlaced, p.colour_managed = managed;
      raw::write(png_path, p);
      CHECK(io::read_image(png_path).pixels == want.pixels);
    }
  std::filesystem::remove(png_path);
}

TEST_CASE("PNG: 16-bit samples keep their range, and a warning says which") {
  // 12 bits of 16, and a scanner's numbers around 32768: steps of the range are steps of the result.
  for (const int low : {0, 32768 - 1024})
    for (const int range : {255, 4095, 20000}) {
      const raw::warnings said;
      std::vector<png_byte> row;
      for (int k = 0; k < 256; ++k) {
        const int v = low + (k * range + 127) / 255;
        row.push_back(static_cast<png_byte>(v >> 8)), row.push_back(static_cast<png_byte>(v & 255));
      }
      write_raw_png(256, 1, 16, PNG_COLOR_TYPE_GRAY, {row});
      const image i = io::read_image(png_path);
      for (int k = 0; k < 256; ++k) CHECK(i.pixels[static_cast<std::size_t>(k)] == k);
      CHECK(said.files("16 bits") == 1);
      CHECK(said.first().find(std::to_string(low + range) + " as 255") != std::string::npos);
    }
  const raw::warnings said;
  write_raw_png(2, 1, 16, PNG_COLOR_TYPE_GRAY, {{0x12, 0x34, 0x12, 0x34}});
  CHECK(io::read_image(png_path).pixels == std::vector<std::uint8_t>{0x12, 0x12});
  CHECK(said.files("") == 0);
  std::filesystem::remove(png_path);
}

TEST_CASE("JPEG: files that the decoder repairs are read, with its message as a warning; those that end too early are errors") {
  write_jpeg(smooth(64, 64, 3), 90);
  const auto whole = io::read_image(jpeg_path);
  const std::string bytes = bytes_of(jpeg_path);
  auto pixels_with = [&](const std::string& changed, const char* words) {
    const raw::warnings said;
    put_bytes(jpeg_path, changed);
    const auto i = io::read_image(jpeg_path);
    CHECK((i.height == 64 && i.width == 64));
    CHECK(said.files("JPEG") == 1);
    CHECK_MESSAGE(said.first().find(words) != std::string::npos, said.first());
    return i.pixels;
  };
  std::string extraneous = bytes;
  extraneous.insert(bytes.find("\xFF\xDB"), std::string(2, '\0'));
  CHECK(pixels_with(extraneous, "extraneous bytes before marker 0xdb") == whole.pixels);
  CHECK(pixels_with(bytes.substr(0, bytes.size() - 2), "Premature end of JPEG file") == whole.pixels);  // the end mark alone is missing
  std::string early_end = bytes;
  early_end.replace(bytes.size() - 60, 2, "\xFF\xD9");
  (void)pixels_with(early_end, "Corrupt JPEG data");
  {
    const raw::warnings said;
    put_bytes(jpeg_path, bytes + "what stands behind a JPEG is not the decoder's");
    CHECK(io::read_image(jpeg_path).pixels == whole.pixels);
    CHECK(said.files("") == 0);
  }
  for (const bool progressive : {false, true}) {
    raw::write_jpeg(jpeg_path, smooth(64, 64, 3), {90, progressive});
    const std::string good = bytes_of(jpeg_path);
    for (const std::size_t missing : {std::size_t{10}, good.size() / 8, good.size() / 2}) {
      put_bytes(jpeg_path, good.substr(0, good.size() - missing));
      CHECK_THROWS_WITH_AS(io::read_image(jpeg_path), doctest::Contains("Premature end of JPEG file"), error);
    }
  }
  put_bytes(jpeg_path, "\xFF\xD8\xFF and nothing of a JPEG");
  CHECK_THROWS_WITH_AS(io::read_image(jpeg_path), doctest::Contains("Unsupported marker type 0x20"), error);
  std::filesystem::remove(jpeg_path);
}

TEST_CASE("limits: pixels by default and by option, checked from the header; files too short for their pixels; scans") {
  write_raw_png(1u << 14, (1u << 12) + 1, 1, PNG_COLOR_TYPE_GRAY,
                std::vector<std::vector<png_byte>>((1u << 12) + 1, std::vector<png_byte>(1u << 11)));
  CHECK_THROWS_WITH_AS(io::read_image(png_path), doctest::Contains("4097 × 16384 pixels are more than the 67108864"), error);
  CHECK_THROWS_WITH_AS(io::read_mask(png_path), doctest::Contains(png_path.c_str()), error);
  CHECK(io::read_mask(png_path, {std::int64_t{1} << 27}).width == 1 << 14);
  write_raw_png(3, 3, 8, PNG_COLOR_TYPE_GRAY, {{1, 2, 3}, {1, 2, 3}, {1, 2, 3}});
  CHECK(io::read_image(png_path, {9}).pixels.size() == 9);
  CHECK_THROWS_AS(io::read_image(png_path, {8}), error);

  // A small file's header that asks for 8192 × 8192.
  std::string liar = bytes_of(png_path);
  liar.replace(16, 8, std::string("\0\0\x20\0\0\0\x20\0", 8));
  std::string header = liar.substr(12, 17);
  const auto crc = crc32(0, reinterpret_cast<const Bytef*>(header.data()), 17);
  for (std::size_t k = 0; k < 4; ++k) liar[29 + k] = static_cast<char>(crc >> (24 - 8 * k));
  put_bytes(png_path, liar);
  CHECK_THROWS_WITH_AS(io::read_image(png_path), doctest::Contains("bytes cannot hold 8192 × 8192"), error);

  write_jpeg(smooth(64, 64, 3), 90);
  std::string huge = bytes_of(jpeg_path);
  const auto frame = huge.find("\xFF\xC0");
  REQUIRE(frame != std::string::npos);
  for (const auto& [size, text] :
       {std::pair(std::string("\x20\0\x20\0", 4), "cannot hold"), std::pair(std::string("\xFF\0\xFF\0", 4), "are more than")}) {
    huge.replace(frame + 5, 4, size);
    put_bytes(jpeg_path, huge);
    CHECK_THROWS_WITH_AS(io::read_image(jpeg_path), doctest::Contains(text), error);
  }

  raw::write_jpeg(jpeg_path, smooth(64, 64, 3), {90, true});
  CHECK(io::read_image(jpeg_path).width == 64);
  CHECK_THROWS_WITH_AS(io::read_image(jpeg_path, {1 << 20, 3}), doctest::Contains("more than 3 scans"), error);
  std::filesystem::remove(png_path), std::filesystem::remove(jpeg_path);
}

TEST_CASE("a path that is no regular file is an error at once, and an image is written whole or not at all") {
  std::filesystem::remove("image_fifo");
  REQUIRE(::mkfifo("image_fifo", 0600) == 0);
  for (const char* path : {"image_fifo", "/dev/zero", "."}) {
    CHECK_THROWS_WITH_AS(io::read_image(path), doctest::Contains(path), error);
    CHECK_THROWS_WITH_AS(io::read_mask(path), doctest::Contains(path), error);
    CHECK_THROWS_WITH_AS((void)io::is_jpeg(path), doctest::Contains(path), error);
  }
  std::filesystem::remove("image_fifo");

  // A file, or a link, of the name that a temporary file might have had stays as it is.
  put_bytes("image_other", "somebody's");
  std::filesystem::remove(png_path + ".partial");
  std::filesystem::create_symlink("image_other", png_path + ".partial");
  io::write_png(png_path, smooth(4, 4, 1));
  CHECK(io::read_image(png_path).pixels == smooth(4, 4, 1).pixels);
  CHECK(bytes_of("image_other") == "somebody's");
  std::filesystem::remove("image_other"), std::filesystem::remove(png_path + ".partial"), std::filesystem::remove(png_path);
}
