// Polygons as masks: outlines of objects as annotation tools write them.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/image/labels.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

DCS_EXACT_MATH
namespace dcs {

/// A corner in pixels from the image's top left corner; pixel (y, x) covers the square from (x, y) to (x + 1, y + 1).
struct polygon_point {
  double x = 0, y = 0;
};

/// pixel(y, x) for each pixel of a height × width image whose centre (x + ½, y + ½) lies inside the closed polygon: where a ray from it crosses the
/// outline an odd number of times (even-odd rule). Corners may lie outside of the image. A polygon that holds no pixel's centre marks the pixel that
/// its corners' mean lies in, so that no small object is lost. Throws dcs::error for fewer than three corners, and for one
/// further away than 10⁹ pixels.
template <class Pixel>
void for_each_pixel_inside(const std::vector<polygon_point>& corners, std::int64_t height, std::int64_t width, const Pixel& pixel) {
  constexpr double farthest = 1e9;
  expect(corners.size() >= 3, "dcs::polygon: ", corners.size(), " corners; expected at least 3");
  double top = corners[0].y, bottom = top, mean_x = 0, mean_y = 0;
  for (const auto& c : corners) {
    expect(std::abs(c.x) <= farthest && std::abs(c.y) <= farthest, "dcs::polygon: a corner at ", c.x, ", ", c.y, "; expected numbers up to ",
           farthest);
    top = std::min(top, c.y), bottom = std::max(bottom, c.y);
    mean_x += c.x / static_cast<double>(corners.size()), mean_y += c.y / static_cast<double>(corners.size());
  }
  const auto row = [&](double y) { return static_cast<std::int64_t>(std::clamp(std::floor(y), 0.0, static_cast<double>(height - 1))); };
  bool any = false;
  std::vector<double> crossings;
  for (std::int64_t y = row(top); y <= row(bottom); ++y) {
    const double centre = static_cast<double>(y) + 0.5;
    crossings.clear();
    for (std::size_t k = 0; k < corners.size(); ++k) {
      const polygon_point &a = corners[k], &b = corners[(k + 1) % corners.size()];
      if ((a.y <= centre) == (b.y <= centre)) continue;
      crossings.push_back(a.x + (centre - a.y) / (b.y - a.y) * (b.x - a.x));
    }
    std::sort(crossings.begin(), crossings.end());
    for (std::size_t k = 0; k + 1 < crossings.size(); k += 2) {
      const auto column = [&](double x) { return static_cast<std::int64_t>(std::clamp(std::ceil(x - 0.5), 0.0, static_cast<double>(width))); };
      for (std::int64_t x = column(crossings[k]); x < column(crossings[k + 1]); ++x) pixel(y, x), any = true;
    }
  }
  const bool mean_inside = mean_x >= 0 && mean_y >= 0 && mean_x < static_cast<double>(width) && mean_y < static_cast<double>(height);
  if (!any && mean_inside) pixel(static_cast<std::int64_t>(mean_y), static_cast<std::int64_t>(mean_x));
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
