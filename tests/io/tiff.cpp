// TIFF: every depth and colour that is read, strips and tiles, planes, compressions, orientation; what is refused; damage.
#include "raw_images.hpp"

#include <filesystem>

using namespace dcs;

#if defined(DCS_TIFF)

namespace {

const std::string path = "tiff_test.tif";

struct remove_file {
  ~remove_file() { std::filesystem::remove(path); }
};

struct kind {
  int bits = 8, samples = 1, photometric = PHOTOMETRIC_MINISBLACK, compression = COMPRESSION_NONE;  // photometric below 0: not stated
  bool separate = false, tiled = false, big_endian = false;
  int orientation = 1, extra = -1;  // the kind of the last sample, where it is no colour
  int rows_per_strip = 5, sample_format = SAMPLEFORMAT_UINT;
  int pages = 1;
};

// Samples packed from the high bit on; 16 bits in the machine's order, which libtiff turns.
std::vector<std::uint8_t> packed(const std::vector<int>& samples, int bits) {
  std::vector<std::uint8_t> row((samples.size() * static_cast<std::size_t>(bits) + 7) / 8, 0);
  for (std::size_t i = 0; i < samples.size(); ++i)
    if (bits == 16) {
      const auto value = static_cast<std::uint16_t>(samples[i]);
      std::memcpy(row.data() + 2 * i, &value, 2);
    } else {
      const std::size_t bit = i * static_cast<std::size_t>(bits);
      row[bit / 8] = static_cast<std::uint8_t>(row[bit / 8] | samples[i] << (8 - bits - static_cast<int>(bit % 8)));
    }
  return row;
}

// A page of height × width whose sample c at (y, x) is value(y, x, c).
template <class F>
void write_page(TIFF* t, int height, int width, const kind& k, const F& value) {
  TIFFSetField(t, TIFFTAG_IMAGELENGTH, height), TIFFSetField(t, TIFFTAG_IMAGEWIDTH, width);
  TIFFSetField(t, TIFFTAG_BITSPERSAMPLE, k.bits), TIFFSetField(t, TIFFTAG_SAMPLESPERPIXEL, k.samples);
  if (k.photometric >= 0) TIFFSetField(t, TIFFTAG_PHOTOMETRIC, k.photometric);
  TIFFSetField(t, TIFFTAG_COMPRESSION, k.compression);
  TIFFSetField(t, TIFFTAG_PLANARCONFIG, k.separate ? PLANARCONFIG_SEPARATE : PLANARCONFIG_CONTIG);
  TIFFSetField(t, TIFFTAG_ORIENTATION, k.orientation), TIFFSetField(t, TIFFTAG_SAMPLEFORMAT, k.sample_format);
  const auto extra = static_cast<std::uint16_t>(k.extra);
  if (k.extra >= 0) TIFFSetField(t, TIFFTAG_EXTRASAMPLES, 1, &extra);
  std::vector<std::uint16_t> map(std::size_t{1} << k.bits);
  for (std::size_t i = 0; i < map.size(); ++i) map[i] = static_cast<std::uint16_t>(i * 256 * 3);
  if (k.photometric == PHOTOMETRIC_PALETTE) TIFFSetField(t, TIFFTAG_COLORMAP, map.data(), map.data(), map.data());
  const int tile = 16;
  if (k.tiled)
    TIFFSetField(t, TIFFTAG_TILEWIDTH, tile), TIFFSetField(t, TIFFTAG_TILELENGTH, tile);
  else
    TIFFSetField(t, TIFFTAG_ROWSPERSTRIP, k.rows_per_strip);
  for (int plane = 0; plane < (k.separate ? k.samples : 1); ++plane) {
    const auto line = [&](int y, int x0, int x1) {
      std::vector<int> samples;
      for (int x = x0; x < x1; ++x)
        for (int c = 0; c < (k.separate ? 1 : k.samples); ++c) samples.push_back(y < height && x < width ? value(y, x, k.separate ? plane : c) : 0);
      return packed(samples, k.bits);
    };
    const auto at = static_cast<std::uint16_t>(plane);
    if (!k.tiled)
      for (int y = 0; y < height; ++y) REQUIRE(TIFFWriteScanline(t, line(y, 0, width).data(), static_cast<std::uint32_t>(y), at) == 1);
    for (int y = 0; k.tiled && y < height; y += tile)
      for (int x = 0; x < width; x += tile) {
        std::vector<std::uint8_t> piece;
        for (int row = y; row < y + tile; ++row)
          for (const std::uint8_t b : line(row, x, x + tile)) piece.push_back(b);
        REQUIRE(TIFFWriteTile(t, piece.data(), static_cast<std::uint32_t>(x), static_cast<std::uint32_t>(y), 0, at) > 0);
      }
  }
}
template <class F>
void write(int height, int width, const kind& k, const F& value) {
  TIFF* t = TIFFOpen(path.c_str(), k.big_endian ? "wb" : "wl");
  REQUIRE(t != nullptr);
  for (int page = 0; page < k.pages; ++page) {
    write_page(t, height, width, k, value);
    if (page + 1 < k.pages) REQUIRE(TIFFWriteDirectory(t) == 1);
  }
  TIFFClose(t);
}

int pattern(int y, int x, int c) { return 7 * y + 3 * x + 50 * c; }

}  // namespace

TEST_CASE("TIFF: grey and RGB of 8 bits in strips, tiles and planes, of every compression and byte order") {
  const remove_file cleanup;
  const raw::warnings said;
  for (const int compression : {COMPRESSION_NONE, COMPRESSION_LZW, COMPRESSION_PACKBITS, COMPRESSION_ADOBE_DEFLATE})
    for (const int samples : {1, 3})
      for (const bool separate : {false, true})
        for (const bool tiled : {false, true})
          for (const bool big_endian : {false, true}) {
            const int photometric = samples == 3 ? PHOTOMETRIC_RGB : PHOTOMETRIC_MINISBLACK;
            write(17, 21, {8, samples, photometric, compression, separate, tiled, big_endian}, pattern);
            const image i = io::read_image(path);
            REQUIRE((i.height == 17 && i.width == 21 && i.channels == samples));
            for (int y = 0; y < 17; ++y)
              for (int x = 0; x < 21; ++x)
                for (int c = 0; c < samples; ++c)
                  if (i.pixels[static_cast<std::size_t>((y * 21 + x) * samples + c)] != (pattern(y, x, c) & 255)) FAIL("another pixel");
          }
  CHECK(said.files("") == 0);
}

TEST_CASE("TIFF: 1 to 16 bits, palettes, white as 0, alpha; masks keep labels of 1") {
  const remove_file cleanup;
  const raw::warnings said;
  using bytes = std::vector<std::uint8_t>;
  const auto index = [](int, int x, int) { return x; };
  for (const int bits : {1, 2, 4}) {
    const int most = (1 << bits) - 1;
    for (const bool tiled : {false, true}) {
      kind k{bits};
      k.tiled = tiled;
      write(1, most + 1, k, index);
      bytes expected;
      for (int v = 0; v <= most; ++v) expected.push_back(static_cast<std::uint8_t>(v * 255 / most));
      CHECK(io::read_image(path).pixels == expected);
      CHECK(io::read_mask(path).count() == most);
    }
    kind white{bits};
    white.photometric = PHOTOMETRIC_MINISWHITE;
    write(1, 2, white, [&](int, int x, int) { return x == 0 ? most : 0; });
    CHECK(io::read_image(path).pixels == bytes{0, 255});
    CHECK(io::read_mask(path).pixels == bytes{0, 1});
  }
  for (const int bits : {1, 2, 4}) {  // RGB whose pixels share bytes; as large as files without compression can be
    const int most = (1 << bits) - 1;
    write(80, 80, {bits, 3, PHOTOMETRIC_RGB}, [&](int y, int x, int c) { return (y + x + c) & most; });
    const image i = io::read_image(path);
    for (int p = 0; p < 6; ++p) CHECK(i.pixels[static_cast<std::size_t>(p)] == ((p / 3 + p % 3) & most) * 255 / most);
  }
  // All values of 16 bits: 65535 objects, no more than are counted.
  write(256, 256, {16}, [](int y, int x, int) { return 256 * y + x; });
  CHECK_FALSE(io::read_values(path).many);
  CHECK(io::read_values(path).grey.size() == 65536);
  CHECK(io::read_labels(path).objects() == 65535);
  for (const bool big_endian : {false, true}) {
    kind deep{16};
    deep.big_endian = big_endian;
    write(1, 3, deep, [](int, int x, int) { return x == 0 ? 0 : x == 1 ? 1 : 65535; });
    CHECK(io::read_image(path).pixels == bytes{0, 0, 255});
    CHECK(io::read_mask(path).pixels == bytes{0, 1, 1});
    CHECK(io::read_labels(path).pixels == std::vector<std::int32_t>{0, 1, 2});
    CHECK(io::read_values(path).grey == std::set<std::int64_t>{0, 1, 65535});
  }
  write(1, 3, {8, 1, PHOTOMETRIC_PALETTE}, index);
  CHECK(io::read_image(path).pixels == bytes{0, 0, 0, 3, 3, 3, 6, 6, 6});
  CHECK(io::read_mask(path).pixels == bytes{0, 1, 1});
  kind alpha{8, 2};
  alpha.extra = EXTRASAMPLE_UNASSALPHA;
  write(1, 2, alpha, [](int, int x, int c) { return c == 0 ? 90 : x == 0 ? 255 : 0; });
  CHECK(io::read_image(path).pixels == bytes{90, 0});
  alpha = {8, 4, PHOTOMETRIC_RGB}, alpha.extra = EXTRASAMPLE_UNSPECIFIED;
  write(1, 2, alpha, pattern);
  CHECK(io::read_image(path).pixels == bytes{0, 50, 100, 3, 53, 103});  // the fourth is no alpha
}

TEST_CASE("TIFF: turned as its orientation says; the first of several pages; JPEG within") {
  const remove_file cleanup;
  const raw::warnings said;
  kind k;
  k.orientation = 6, k.pages = 2;
  write(2, 3, k, [](int y, int x, int) { return 10 * y + x; });
  const image i = io::read_image(path);
  CHECK((i.height == 3 && i.width == 2));
  CHECK(i.pixels == std::vector<std::uint8_t>{10, 0, 11, 1, 12, 2});
  CHECK(said.files("several pages") == 1);
  CHECK(said.files("turned") == 1);
  kind lossy;
  lossy.compression = COMPRESSION_JPEG, lossy.rows_per_strip = 16;
  write(16, 16, lossy, [](int, int, int) { return 200; });
  CHECK(std::abs(io::read_image(path).pixels[40] - 200) <= 2);
  CHECK_THROWS_WITH_AS((void)io::read_mask(path), doctest::Contains("inexact"), error);
  CHECK_THROWS_WITH_AS((void)io::read_labels(path), doctest::Contains("inexact"), error);
}

TEST_CASE("TIFF: other kinds, damage and sizes beyond the limits are errors that name the file") {
  const remove_file cleanup;
  const raw::warnings said;
  const auto refused = [](const char* words, const io::image_limits& limits = {}) {
    CHECK_THROWS_WITH_AS((void)io::read_image(path, limits), doctest::Contains(words), error);
    CHECK_THROWS_WITH_AS((void)io::read_mask(path, limits), doctest::Contains(path.c_str()), error);
  };
  kind k;
  k.sample_format = SAMPLEFORMAT_INT;
  write(4, 4, k, pattern), refused("signed or floating-point");
  write(4, 4, {8, 4, PHOTOMETRIC_SEPARATED}, pattern), refused("colours of kind 5");
  write(4, 4, {8, 1, -1}, pattern), refused("does not say what its samples mean");
  write(4, 4, {}, pattern), refused("more than the 15", {15});
  const std::string good = raw::bytes_of(path);
  for (std::size_t keep = 8; keep + 4 < good.size(); ++keep) {  // the last four bytes say that no page follows
    raw::put_bytes(path, good.substr(0, keep));
    CHECK_THROWS_AS((void)io::read_image(path), error);
  }
  // Every byte of the header changed in turn: read, or refused, and never more than its bytes can hold.
  for (std::size_t at = 4; at < good.size(); ++at)
    for (const char c : {'\0', '\x7F', '\xFF'}) {
      std::string changed = good;
      changed[at] = c;
      raw::put_bytes(path, changed);
      std::size_t samples = 0;
      try {
        samples = io::read_image(path).pixels.size();
      } catch (const error&) {
      }
      CHECK(samples <= 3 * 1032 * good.size());
    }
}

#else

TEST_CASE("TIFF: without libtiff it is refused in words") {
  raw::put_bytes("tiff_test.tif", std::string("II*\0\10\0\0\0", 8));
  CHECK_THROWS_WITH_AS((void)io::read_image("tiff_test.tif"), doctest::Contains("built with libtiff"), error);
  std::filesystem::remove("tiff_test.tif");
}

#endif
