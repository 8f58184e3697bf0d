// The one thing of EXIF that changes pixels: the orientation.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/warning.hpp>
#include <dcs/image/orientation.hpp>

#include <cstdint>
#include <string>
#include <string_view>

DCS_EXACT_MATH
namespace dcs::io {

/// The orientation (1 to 8) that an EXIF block states: a small TIFF, from its byte order mark on, as PNG's eXIf has it, and JPEG's APP1 behind "Exif"
/// and two bytes of 0. 1 where it states none or is damaged: a viewer shows the image as it is stored then. Reads nothing beyond the block.
inline int exif_orientation(std::string_view block) {
  const bool little = block.starts_with(std::string_view("II*\0", 4)), big = block.starts_with(std::string_view("MM\0*", 4));
  if ((!little && !big) || block.size() < 8) return upright;
  const auto number = [&](std::size_t at, std::size_t bytes) {  // at + bytes is within the block
    std::uint32_t n = 0;
    for (std::size_t k = 0; k < bytes; ++k) n = n << 8 | static_cast<unsigned char>(block[little ? at + bytes - 1 - k : at + k]);
    return n;
  };
  const std::size_t directory = number(4, 4);
  if (directory > block.size() - 2) return upright;
  const std::size_t entries = number(directory, 2), entry_bytes = 12;
  for (std::size_t k = 0; k < entries; ++k) {
    const std::size_t at = directory + 2 + k * entry_bytes;
    if (at + entry_bytes > block.size()) return upright;
    constexpr std::uint32_t orientation_tag = 274, short_type = 3;
    if (number(at, 2) != orientation_tag) continue;
    const std::uint32_t value = number(at + 8, 2);
    const bool valid = number(at + 2, 2) == short_type && number(at + 4, 4) == 1 && value >= 1 && value <= last_orientation;
    return valid ? static_cast<int>(value) : upright;
  }
  return upright;
}

namespace detail {

// What was read, turned as its file says, with a warning: a mask that was drawn on the image as it is stored does not fit the turned one.
template <class Pixels>
Pixels shown_upright(Pixels pixels, int orientation, const std::string& path) {
  if (orientation == upright) return pixels;
  warn("files that are turned as the orientation in them says", path, "is turned as its orientation, " + std::to_string(orientation) + ", says");
  return turned(std::move(pixels), orientation);
}

}  // namespace detail
}  // namespace dcs::io

#include <dcs/core/header_end.inl>
