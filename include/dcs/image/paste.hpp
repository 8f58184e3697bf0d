// Pasting the probabilities of a region, a square grid over its box, into an image: of the size that the box is in, or of another.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/box.hpp>
#include <dcs/core/compiled.hpp>
#include <dcs/core/finite.hpp>

#include <algorithm>
#include <cstdint>
#include <vector>

DCS_EXACT_MATH
namespace dcs {

namespace detail {

// Between which two rows (or columns) of a region a pixel lies, and the second one's share.
template <class T>
struct paste_tap {
  std::int64_t pixel, first, second;
  T share;
};

// The pixels of an axis, `to` over the whole image, that lie between low and high, which are positions among `from` pixels.
template <class T>
std::vector<paste_tap<T>> paste_taps(std::int64_t base, T low, T high, std::int64_t from, std::int64_t to) {
  std::vector<paste_tap<T>> taps;
  // A box that has no place, as of a network whose numbers have overflowed, has no pixels.
  if (!is_finite((high - low) * static_cast<T>(base))) return taps;
  for (std::int64_t k = 0; k < to; ++k) {
    // In double the quotient is exact where from is to: the pixel's number itself.
    const double position = (static_cast<double>(k) + 0.5) * static_cast<double>(from) / static_cast<double>(to) - 0.5;
    const T x = static_cast<T>(std::clamp(position, 0.0, static_cast<double>(from - 1)));
    if (!(x >= low && x <= high)) continue;
    const T u = std::clamp((x - low) * static_cast<T>(base) / std::max(high - low, T(1e-6)) - T(0.5), T(0), static_cast<T>(base - 1));
    const auto i = std::min(static_cast<std::int64_t>(u), base - 1);
    taps.push_back({k, i, std::min(i + 1, base - 1), u - static_cast<T>(i)});
  }
  return taps;
}

}  // namespace detail

/// Pastes a region's base × base probabilities into an image of height × width that shows the same as one of from_height × from_width, in whose
/// pixels the box is.
///
/// Pixel k of n lies at x = (k + ½) · from / n − ½ among the pixels that the box counts, areas to areas as in image/resize.hpp, and not beyond the
/// middle of the first or the last of them. Pixels with x1 <= x <= x2 sample the region bilinearly at u = (x − x1) · base / (x2 − x1) − ½, clamped,
/// and become the maximum of that and their previous value. At the box's own size x is k.
template <class T>
void paste_resized(const T* probabilities, std::int64_t base, const box<T>& b, std::int64_t from_height, std::int64_t from_width, T* image,
                   std::int64_t height, std::int64_t width) {
  const auto rows = detail::paste_taps(base, b.y1, b.y2, from_height, height), columns = detail::paste_taps(base, b.x1, b.x2, from_width, width);
  for (const auto& [i, r0, r1, fy] : rows)
    for (const auto& [j, c0, c1, fx] : columns) {
      const T top = probabilities[r0 * base + c0] * (1 - fx) + probabilities[r0 * base + c1] * fx;
      const T bottom = probabilities[r1 * base + c0] * (1 - fx) + probabilities[r1 * base + c1] * fx;
      T& pixel = image[i * width + j];
      pixel = std::max(pixel, top * (1 - fy) + bottom * fy);
    }
}

/// The same into an image of the size that the box is in.
template <class T>
void paste(const T* probabilities, std::int64_t base, const box<T>& b, T* image, std::int64_t height, std::int64_t width) {
  paste_resized(probabilities, base, b, height, width, image, height, width);
}

// The entry points that dcs::compiled contains (core/compiled.hpp).
#define DCS_PASTE_ENTRIES(declare, T)                                                                                            \
  declare void paste_resized(const T*, std::int64_t, const box<T>&, std::int64_t, std::int64_t, T*, std::int64_t, std::int64_t); \
  declare void paste(const T*, std::int64_t, const box<T>&, T*, std::int64_t, std::int64_t);
DCS_ENTRIES(DCS_PASTE_ENTRIES)

}  // namespace dcs

#include <dcs/core/header_end.inl>
