// Images, masks and label maps as PNG. Samples are read as they are stored: gamma, colour profiles and the like are ignored.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/image/labels.hpp>
#include <dcs/image/pixels.hpp>
#include <dcs/io/png_reader.hpp>

#include <cstring>

DCS_EXACT_MATH
namespace dcs::io::detail {

inline image read_png(const std::string& path, const image_limits& limits) {
  png_reader r(path, limits);
  return image_of(r, path);
}
inline mask read_png_mask(const std::string& path, const image_limits& limits) {
  png_reader r(path, limits);
  return mask_of(r, path);
}
inline label_map read_png_labels(const std::string& path, const image_limits& limits) {
  png_reader r(path, limits);
  return labels_of(r, path);
}
inline stored_values read_png_values(const std::string& path, const image_limits& limits) {
  png_reader r(path, limits);
  return values_of(r);
}

}  // namespace dcs::io::detail

namespace dcs::io {

/// Writes a grey or RGB image as PNG, whole or not at all.
inline void write_png(const std::string& path, const image& i) {
  expect(i.channels == 1 || i.channels == 3, "dcs::image: cannot write ", i.channels, " channels to ", printable(path), "; expected 1 or 3");
  expect(i.height > 0 && i.width > 0 && static_cast<std::int64_t>(i.pixels.size()) == i.height * i.width * i.channels, "dcs::image: cannot write ",
         i.height, " × ", i.width, " × ", i.channels, " with ", i.pixels.size(), " values to ", printable(path));
  png_image png;
  std::memset(&png, 0, sizeof png);
  png.version = PNG_IMAGE_VERSION;
  png.width = static_cast<png_uint_32>(i.width), png.height = static_cast<png_uint_32>(i.height);
  png.format = i.channels == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY;
  png_alloc_size_t bytes = PNG_IMAGE_PNG_SIZE_MAX(png);
  std::string encoded(bytes, '\0');
  if (png_image_write_to_memory(&png, encoded.data(), &bytes, 0, i.pixels.data(), 0, nullptr) == 0)
    fail("dcs::image: cannot write ", printable(path), ": ", png.message);
  write_bytes(path, "dcs::image", std::string_view(encoded).substr(0, bytes));
}

/// Writes a mask as a grey PNG of 0 and 255, which read_mask reads back. Errors are those of write_png.
inline void write_mask(const std::string& path, const mask& m) {
  image picture{m.height, m.width, 1, m.pixels};
  for (auto& p : picture.pixels) p = p ? 255 : 0;
  write_png(path, picture);
}

}  // namespace dcs::io

#include <dcs/core/header_end.inl>
