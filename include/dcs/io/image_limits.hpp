// How large an image a program is ready to read. A few bytes can ask for gigabytes of memory or minutes of time.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/error.hpp>
#include <dcs/core/printable.hpp>

#include <cstdint>
#include <string>

DCS_EXACT_MATH
namespace dcs::io {

/// Files beyond these are refused from their headers, before memory is taken or time spent.
struct image_limits {
  std::int64_t pixels = std::int64_t{1} << 26;  ///< width × height; 8192 × 8192 by default
  int scans = 100;                              ///< passes over the image in a progressive JPEG; encoders make about ten
};

namespace detail {

// `most_per_byte`: pixels that a byte of the file can hold at most, by the rules of its compression; 0 where there is no such number.
inline void check_image_size(const std::string& path, std::int64_t height, std::int64_t width, std::int64_t bytes, std::int64_t most_per_byte,
                             const image_limits& limits) {
  expect(height <= limits.pixels && width <= limits.pixels && height * width <= limits.pixels, "dcs::image: ", path, ": ", height, " × ", width,
         " pixels are more than the ", limits.pixels, " that are read (image_limits::pixels; the programs' --most-pixels)");
  expect(most_per_byte == 0 || height * width / most_per_byte <= bytes, "dcs::image: ", path, ": its ", bytes, " bytes cannot hold ", height, " × ",
         width, " pixels: the file is damaged or cut off");
}

}  // namespace detail
}  // namespace dcs::io

#include <dcs/core/header_end.inl>
