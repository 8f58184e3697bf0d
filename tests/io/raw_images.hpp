// Images of every kind that libpng and libjpeg write, for the tests of the readers.
#pragma once

#include <dcs/io/image.hpp>

#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace raw {

/// A PNG by its header; rows hold bytes as the format stores them.
struct png {
  std::uint32_t width = 0, height = 0;
  int bits = 8, type = PNG_COLOR_TYPE_GRAY;
  std::vector<std::vector<png_byte>> rows = {};
  std::vector<png_color> palette = {};
  std::vector<png_byte> palette_alpha = {};
  bool clear_colour = false;  // with the value below
  png_color_16 clear_value = {};
  bool interlaced = false, colour_managed = false;  // gAMA, cHRM, sRGB or iCCP
};

inline void write(const std::string& path, const png& p) {
  std::FILE* f = std::fopen(path.c_str(), "wb");
  REQUIRE(f != nullptr);
  png_structp w = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(w);
  png_init_io(w, f);
  png_set_IHDR(w, info, p.width, p.height, p.bits, p.type, p.interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
               PNG_FILTER_TYPE_DEFAULT);
  if (!p.palette.empty()) png_set_PLTE(w, info, p.palette.data(), static_cast<int>(p.palette.size()));
  if (!p.palette_alpha.empty()) png_set_tRNS(w, info, p.palette_alpha.data(), static_cast<int>(p.palette_alpha.size()), nullptr);
  if (p.clear_colour) png_set_tRNS(w, info, nullptr, 0, &p.clear_value);
  if (p.colour_managed) png_set_gAMA(w, info, 0.2), png_set_cHRM(w, info, 0.3, 0.3, 0.6, 0.3, 0.3, 0.6, 0.1, 0.1);
  png_write_info(w, info);
  for (int pass = p.interlaced ? png_set_interlace_handling(w) : 1; pass > 0; --pass)
    for (const auto& r : p.rows) png_write_row(w, r.data());
  png_write_end(w, nullptr);
  png_destroy_write_struct(&w, &info);
  std::fclose(f);
}

/// The options of a JPEG besides its pixels.
struct jpeg_kind {
  int quality = 75;
  bool progressive = false;
  bool adobe = false;  // of four inks: with Adobe's mark
};

inline void write_jpeg(const std::string& path, const dcs::image& i, const jpeg_kind& kind = {}) {
  std::FILE* f = std::fopen(path.c_str(), "wb");
  REQUIRE(f != nullptr);
  jpeg_compress_struct c;
  jpeg_error_mgr e;
  c.err = jpeg_std_error(&e);
  jpeg_create_compress(&c);
  jpeg_stdio_dest(&c, f);
  c.image_width = static_cast<JDIMENSION>(i.width), c.image_height = static_cast<JDIMENSION>(i.height);
  c.input_components = static_cast<int>(i.channels), c.in_color_space = i.channels == 4 ? JCS_CMYK : i.channels == 3 ? JCS_RGB : JCS_GRAYSCALE;
  jpeg_set_defaults(&c);
  if (i.channels == 4) c.write_Adobe_marker = kind.adobe ? TRUE : FALSE;
  jpeg_set_quality(&c, kind.quality, TRUE);
  if (kind.progressive) jpeg_simple_progression(&c);
  jpeg_start_compress(&c, TRUE);
  while (c.next_scanline < c.image_height) {
    auto* row = const_cast<JSAMPROW>(i.pixels.data() + static_cast<std::size_t>(c.next_scanline) * static_cast<std::size_t>(i.width * i.channels));
    jpeg_write_scanlines(&c, &row, 1);
  }
  jpeg_finish_compress(&c);
  jpeg_destroy_compress(&c);
  std::fclose(f);
}

inline std::string bytes_of(const std::string& path) {
  std::ifstream f(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(f), {}};
}
inline void put_bytes(const std::string& path, const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }

/// Collects warnings during its lifetime, instead of their lines on stderr.
struct warnings {
  warnings() { dcs::warning_log::get().clear(), dcs::warning_log::get().set_handler({}); }
  ~warnings() { dcs::warning_log::get().clear(); }
  /// Those whose kind contains the text: the number of files.
  std::int64_t files(const std::string& kind) const {
    std::int64_t n = 0;
    for (const auto& e : dcs::warning_log::get().entries())
      if (e.first.kind.find(kind) != std::string::npos) n += e.files;
    return n;
  }
  std::string first() const {
    const auto all = dcs::warning_log::get().entries();
    return all.empty() ? "" : all[0].first.file + ": " + all[0].first.text;
  }
};

}  // namespace raw
