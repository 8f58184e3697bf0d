// Images turned as a viewer shows them: a camera stores rows as its sensor has them, and says beside them which side is up.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/image/labels.hpp>
#include <dcs/image/pixels.hpp>

#include <concepts>
#include <utility>
#include <vector>

DCS_EXACT_MATH
namespace dcs {

/// The orientations of EXIF 2.32 (tag 274) and of TIFF 6.0: where the first stored row and the first stored column are shown.
///
///   1 top, left (as stored)    2 top, right (mirrored)   3 bottom, right (turned by 180°)   4 bottom, left (upside down)
///   5 left, top (transposed)   6 right, top (turned by 90° clockwise)   7 right, bottom   8 left, bottom (turned by 90° the other way)
inline constexpr int upright = 1, last_orientation = 8;
/// Whether an orientation exchanges height and width.
constexpr bool exchanges_sides(int orientation) { return orientation >= 5; }

namespace detail {

// The stored pixel that is shown at (y, x), of an image stored as height × width.
constexpr std::pair<std::int64_t, std::int64_t> stored_position(int orientation, std::int64_t y, std::int64_t x, std::int64_t height,
                                                                std::int64_t width) {
  switch (orientation) {
    case 2:
      return {y, width - 1 - x};
    case 3:
      return {height - 1 - y, width - 1 - x};
    case 4:
      return {height - 1 - y, x};
    case 5:
      return {x, y};
    case 6:
      return {height - 1 - x, y};
    case 7:
      return {height - 1 - x, width - 1 - y};
    case 8:
      return {x, width - 1 - y};
    default:
      return {y, x};
  }
}

template <class T>
std::vector<T> turned(const std::vector<T>& in, int orientation, std::int64_t height, std::int64_t width, std::int64_t channels) {
  if (in.empty()) return {};
  const bool exchanged = exchanges_sides(orientation);
  const std::int64_t rows = exchanged ? width : height, columns = exchanged ? height : width;
  std::vector<T> out(in.size());
  for (std::int64_t y = 0; y < rows; ++y)
    for (std::int64_t x = 0; x < columns; ++x) {
      const auto [v, u] = stored_position(orientation, y, x, height, width);
      std::copy_n(in.begin() + (v * width + u) * channels, channels, out.begin() + (y * columns + x) * channels);
    }
  return out;
}

}  // namespace detail

/// An image, mask or label map as it is shown under an orientation (1 to 8; others leave it as it is).
inline image turned(image i, int orientation) {
  if (orientation <= upright || orientation > last_orientation) return i;
  i.pixels = detail::turned(i.pixels, orientation, i.height, i.width, i.channels);
  i.stored = detail::turned(i.stored, orientation, i.height, i.width, 1);
  if (exchanges_sides(orientation)) std::swap(i.height, i.width);
  return i;
}
template <class Labels>
requires std::same_as<Labels, mask> || std::same_as<Labels, label_map> Labels turned(Labels m, int orientation) {
  if (orientation <= upright || orientation > last_orientation) return m;
  m.pixels = detail::turned(m.pixels, orientation, m.height, m.width, 1);
  if (exchanges_sides(orientation)) std::swap(m.height, m.width);
  return m;
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
