// The boundary of a mask, from which surface distances are computed (eq. 15 of the DCSNet paper), and which an overlay draws.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/image/image.hpp>

DCS_EXACT_MATH
namespace dcs {

/// The boundary of a mask: its pixels of which one of the four neighbours is background; outside the image is background.
inline mask boundary_pixels(const mask& m) {
  mask b{m.height, m.width, std::vector<std::uint8_t>(m.pixels.size(), 0)};
  for (std::int64_t y = 0; y < m.height; ++y)
    for (std::int64_t x = 0; x < m.width; ++x) {
      const bool inner =
          y > 0 && x > 0 && y + 1 < m.height && x + 1 < m.width && m.at(y - 1, x) && m.at(y + 1, x) && m.at(y, x - 1) && m.at(y, x + 1);
      b.at(y, x) = m.at(y, x) && !inner;
    }
  return b;
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
