// Images, masks and label maps as PNG. Samples are read as they are stored: gamma, colour profiles and the like are ignored.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/finite.hpp>
#include <dcs/image/labels.hpp>
#include <dcs/image/pixels.hpp>
#include <dcs/io/png_reader.hpp>

#include <algorithm>
#include <cstring>
#include <vector>

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

namespace detail {

// `what` begins the message of an error.
inline std::string encoded_png(std::uint32_t format, std::int64_t height, std::int64_t width, const void* samples, const std::string& what) {
  png_image png;
  std::memset(&png, 0, sizeof png);
  png.version = PNG_IMAGE_VERSION;
  png.width = static_cast<png_uint_32>(width), png.height = static_cast<png_uint_32>(height);
  png.format = format;
  png_alloc_size_t bytes = PNG_IMAGE_PNG_SIZE_MAX(png);
  std::string encoded(bytes, '\0');
  if (png_image_write_to_memory(&png, encoded.data(), &bytes, 0, samples, 0, nullptr) == 0)
    fail("dcs::image: cannot write ", what, ": ", png.message);
  encoded.resize(bytes);
  return encoded;
}
inline std::string png_bytes(const image& i, const std::string& what) {
  expect(i.channels == 1 || i.channels == 3, "dcs::image: cannot write ", i.channels, " channels to ", what, "; expected 1 or 3");
  expect(i.height > 0 && i.width > 0 && static_cast<std::int64_t>(i.pixels.size()) == i.height * i.width * i.channels, "dcs::image: cannot write ",
         i.height, " × ", i.width, " × ", i.channels, " with ", i.pixels.size(), " values to ", what);
  return encoded_png(i.channels == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY, i.height, i.width, i.pixels.data(), what);
}

}  // namespace detail

/// A grey or RGB image as the bytes of a PNG.
inline std::string png_bytes(const image& i) { return detail::png_bytes(i, "a PNG"); }

/// Writes a grey or RGB image as PNG, whole or not at all.
inline void write_png(const std::string& path, const image& i) { write_bytes(path, "dcs::image", detail::png_bytes(i, printable(path))); }

/// Writes probabilities, rows from the top, as a grey PNG of 16 bits: sample = round(65535 p). Values below 0 or above 1 are clamped. Throws
/// dcs::error where there are not height × width of them, one is not a number, or the disk does not take the file.
inline void write_probabilities(const std::string& path, std::int64_t height, std::int64_t width, const std::vector<float>& probabilities) {
  expect(height > 0 && width > 0 && static_cast<std::int64_t>(probabilities.size()) == height * width, "dcs::image: cannot write ",
         probabilities.size(), " probabilities of ", height, " × ", width, " to ", printable(path));
  std::vector<std::uint16_t> samples;
  samples.reserve(probabilities.size());
  for (const float p : probabilities) {
    expect(!is_nan(p), "dcs::image: cannot write ", printable(path), ": a probability is not a number");
    samples.push_back(static_cast<std::uint16_t>(std::clamp(p, 0.0f, 1.0f) * 65535.0f + 0.5f));
  }
  // The linear format of libpng: samples of 16 bits that are stored as they are.
  write_bytes(path, "dcs::image", detail::encoded_png(PNG_FORMAT_LINEAR_Y, height, width, samples.data(), printable(path)));
}

/// Writes a mask as a grey PNG of 0 and 255, which read_mask reads back. Errors are those of write_png.
inline void write_mask(const std::string& path, const mask& m) {
  image picture{m.height, m.width, 1, m.pixels};
  for (auto& p : picture.pixels) p = p ? 255 : 0;
  write_png(path, picture);
}

}  // namespace dcs::io

#include <dcs/core/header_end.inl>
