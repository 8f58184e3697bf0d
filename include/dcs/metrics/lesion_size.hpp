// How large the lesions of an image are and where: area, centre, box and longest diameter.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/metrics/lesions.hpp>

#include <cmath>
#include <utility>
#include <vector>

DCS_EXACT_MATH
namespace dcs {

/// A lesion's size and place. Pixel (row y, column x) has its centre at (y, x).
struct lesion_size {
  std::int64_t pixels = 0;
  double area = 0;                                        ///< pixels times the area of one, in the spacing's unit squared
  double row = 0, column = 0;                             ///< the mean of its pixels' centres, in pixels
  double diameter = 0;                                    ///< its longest diameter, in the spacing's unit
  std::int64_t top = 0, left = 0, bottom = 0, right = 0;  ///< its box; bottom and right are behind its last row and column
};

namespace detail {

// The ends of each row of a lesion: of any two pixels that are furthest apart, each is an end of its row.
inline std::vector<std::pair<double, double>> row_ends(const label_map& m, const lesion_extent& e) {
  std::vector<std::pair<double, double>> ends;  // row, column
  for (std::int64_t y = e.top; y < e.bottom; ++y) {
    std::int64_t first = e.right, last = e.left - 1;
    for (std::int64_t x = e.left; x < e.right; ++x)
      if (m.at(y, x) == e.label) first = std::min(first, x), last = x;
    if (last < first) continue;
    ends.emplace_back(static_cast<double>(y), static_cast<double>(first));
    if (last > first) ends.emplace_back(static_cast<double>(y), static_cast<double>(last));
  }
  return ends;
}

inline double longest_diameter(const label_map& m, const lesion_extent& e, const pixel_spacing& spacing) {
  const auto ends = row_ends(m, e);
  double longest = 0;
  for (std::size_t a = 0; a < ends.size(); ++a)
    for (std::size_t b = a + 1; b < ends.size(); ++b) {
      const double down = (ends[b].first - ends[a].first) * spacing.rows, across = (ends[b].second - ends[a].second) * spacing.columns;
      longest = std::max(longest, down * down + across * across);
    }
  return std::sqrt(longest);
}

}  // namespace detail

/// The sizes of the lesions of a label map, in the order of their numbers; numbers that no pixel has are left out.
///
/// The longest diameter of a lesion is the largest distance between the centres of two of its pixels, with the distances of rows and columns that
/// `spacing` states: max over pixels p, q of √((s_r (p_y − q_y))² + (s_c (p_x − q_x))²). A lesion of one pixel has 0. Time grows with the square of
/// the lesion's rows.
inline std::vector<lesion_size> lesion_sizes(const label_map& lesions, const pixel_spacing& spacing = {}) {
  std::vector<lesion_size> all;
  for (const auto& e : detail::lesion_extents(lesions)) {
    double rows = 0, columns = 0;
    for (std::int64_t y = e.top; y < e.bottom; ++y)
      for (std::int64_t x = e.left; x < e.right; ++x)
        if (lesions.at(y, x) == e.label) rows += static_cast<double>(y), columns += static_cast<double>(x);
    const auto n = static_cast<double>(e.pixels);
    all.push_back({e.pixels, n * spacing.rows * spacing.columns, rows / n, columns / n, detail::longest_diameter(lesions, e, spacing), e.top, e.left,
                   e.bottom, e.right});
  }
  return all;
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
