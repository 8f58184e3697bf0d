// Distances between the surfaces of two masks, and what is computed from them: the 95 % Hausdorff distance, the average symmetric surface distance,
// the surface Dice. The surface of a mask is its boundary pixels (image/boundary.hpp). Distances come from an exact distance transform, in a time
// that is linear in the number of pixels.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/compiled.hpp>
#include <dcs/core/finite.hpp>
#include <dcs/image/boundary.hpp>
#include <dcs/image/spacing.hpp>
#include <dcs/metrics/statistic.hpp>

#include <cmath>
#include <limits>

DCS_EXACT_MATH
namespace dcs {

namespace detail {

// Squared distance transform of one line (Felzenszwalb & Huttenlocher 2012) whose points are √step apart: d[q] = min_p step · (q − p)² + f[p].
inline void distance_line(const double* f, double* d, std::int64_t n, double step, std::vector<std::int64_t>& v, std::vector<double>& z) {
  const double infinity = std::numeric_limits<double>::infinity();
  std::int64_t k = -1;
  for (std::int64_t q = 0; q < n; ++q) {
    if (f[q] == infinity) continue;
    double s = -infinity;
    while (k >= 0) {
      const auto p = v[static_cast<std::size_t>(k)];
      s = ((f[q] + step * static_cast<double>(q * q)) - (f[p] + step * static_cast<double>(p * p))) / (step * static_cast<double>(2 * (q - p)));
      if (s > z[static_cast<std::size_t>(k)]) break;
      --k;
    }
    if (k < 0) s = -infinity;
    ++k;
    v[static_cast<std::size_t>(k)] = q, z[static_cast<std::size_t>(k)] = s;
  }
  const std::int64_t last = k;
  k = 0;
  for (std::int64_t q = 0; q < n; ++q) {
    if (last < 0) {
      d[q] = infinity;
      continue;
    }
    while (k < last && z[static_cast<std::size_t>(k) + 1] < static_cast<double>(q)) ++k;
    const auto p = v[static_cast<std::size_t>(k)];
    d[q] = step * static_cast<double>((q - p) * (q - p)) + f[p];
  }
}

// Squared distance of every pixel to the nearest set pixel.
inline std::vector<double> squared_distances(const mask& m, const pixel_spacing& spacing) {
  std::vector<double> d(m.pixels.size());
  for (std::size_t i = 0; i < d.size(); ++i) d[i] = m.pixels[i] ? 0 : std::numeric_limits<double>::infinity();
  const auto most = static_cast<std::size_t>(std::max(m.height, m.width) + 1);
  std::vector<std::int64_t> v(most);
  std::vector<double> z(most), line(most), result(most);
  for (std::int64_t y = 0; y < m.height; ++y) {
    double* row = d.data() + y * m.width;
    std::copy(row, row + m.width, line.data());
    distance_line(line.data(), row, m.width, spacing.columns * spacing.columns, v, z);
  }
  for (std::int64_t x = 0; x < m.width; ++x) {
    for (std::int64_t y = 0; y < m.height; ++y) line[static_cast<std::size_t>(y)] = d[static_cast<std::size_t>(y * m.width + x)];
    distance_line(line.data(), result.data(), m.height, spacing.rows * spacing.rows, v, z);
    for (std::int64_t y = 0; y < m.height; ++y) d[static_cast<std::size_t>(y * m.width + x)] = result[static_cast<std::size_t>(y)];
  }
  return d;
}

// The distances of the set pixels of `from` to the nearest set pixel of `to`, ascending.
inline std::vector<double> directed_distances(const mask& from, const mask& to, const pixel_spacing& spacing) {
  const std::vector<double> squared = squared_distances(to, spacing);
  std::vector<double> d;
  for (std::size_t i = 0; i < squared.size(); ++i)
    if (from.pixels[i]) d.push_back(std::sqrt(squared[i]));
  std::sort(d.begin(), d.end());
  return d;
}

}  // namespace detail

/// The distance of each boundary pixel of one mask to the nearest boundary pixel of the other, both ways, ascending, in the unit of the spacing.
struct surface_distances {
  std::vector<double> first_to_second, second_to_first;

  /// Throws dcs::error where sizes differ, a mask is empty (no distance is defined then; measure() has a rule for it), or a spacing is not above 0.
  surface_distances(const mask& first, const mask& second, const pixel_spacing& spacing = {}) {
    expect(first.height == second.height && first.width == second.width, "dcs::surface_distances: masks of ", first.height, " × ", first.width,
           " and ", second.height, " × ", second.width, "; expected one size");
    expect(first.count() > 0 && second.count() > 0, "dcs::surface_distances: ", first.count(), " and ", second.count(),
           " pixels are set; expected at least one in each mask");
    expect(spacing.rows > 0 && spacing.columns > 0 && is_finite(spacing.rows) && is_finite(spacing.columns), "dcs::surface_distances: a spacing of ",
           spacing.rows, " and ", spacing.columns, "; expected numbers above 0");
    const mask a = boundary_pixels(first), b = boundary_pixels(second);
    first_to_second = detail::directed_distances(a, b, spacing), second_to_first = detail::directed_distances(b, a, spacing);
  }

  /// Eq. 15 of the DCSNet paper: the larger of the two directed 95th percentiles.
  double hausdorff_95() const { return std::max(quantile(first_to_second, 0.95), quantile(second_to_first, 0.95)); }
  /// The average symmetric surface distance: the mean over the boundary pixels of both masks.
  double average() const {
    double sum = 0;
    for (const double d : first_to_second) sum += d;
    for (const double d : second_to_first) sum += d;
    return sum / points();
  }
  /// The normalised surface Dice (Nikolov et al. 2018): the part of the boundary pixels of both masks that are at most `tolerance` from the other
  /// boundary. Distances that exceed it by rounding alone (1e-9 of it) are within.
  double dice(double tolerance) const {
    const auto within = [&](const std::vector<double>& d) {
      return static_cast<double>(std::upper_bound(d.begin(), d.end(), tolerance * (1 + 1e-9)) - d.begin());
    };
    return (within(first_to_second) + within(second_to_first)) / points();
  }

 private:
  double points() const { return static_cast<double>(first_to_second.size() + second_to_first.size()); }
};

/// The 95 % Hausdorff distance (eq. 15) of two masks that are not empty, in the unit of the spacing.
template <class = void>
double hausdorff_95(const mask& a, const mask& b, const pixel_spacing& spacing = {}) {
  return surface_distances(a, b, spacing).hausdorff_95();
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
