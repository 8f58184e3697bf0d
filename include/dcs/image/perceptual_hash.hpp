// A perceptual hash: 64 bits that hardly change when an image is resized, compressed again or brightened, by which copies of an image are found.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/image/resize.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <numbers>

DCS_EXACT_MATH
namespace dcs {

namespace detail {

// Grey of an RGB or grey image (ITU-R BT.601) at 32 × 32 pixels.
inline std::array<double, 1024> grey_thumbnail(const image& i) {
  const float_image small = resize(i, 32, 32);
  std::array<double, 1024> grey{};
  for (std::size_t p = 0; p < grey.size(); ++p)
    grey[p] = 0.299 * static_cast<double>(small.pixels[3 * p]) + 0.587 * static_cast<double>(small.pixels[3 * p + 1]) +
              0.114 * static_cast<double>(small.pixels[3 * p + 2]);
  return grey;
}

}  // namespace detail

/// The pHash of an image (Zauner, "Implementation and benchmarking of perceptual image hash functions", 2010). With g the image's grey at 32 × 32,
///
///   c(u, v) = Σ_{y, x < 32} g(y, x) cos(π (2y + 1) u / 64) cos(π (2x + 1) v / 64),   u, v = 1 … 8,
///
/// bit 8 (u − 1) + v − 1 is 1 where c(u, v) is above the median of the 64 coefficients. The sum of all grey, u = v = 0, is left out, so that the hash
/// does not depend on brightness, and a factor of contrast changes no comparison. An image of one value has the hash 0.
inline std::uint64_t perceptual_hash(const image& i) {
  const auto grey = detail::grey_thumbnail(i);
  const auto [darkest, brightest] = std::minmax_element(grey.begin(), grey.end());
  if (*brightest - *darkest < 1e-3) return 0;  // what is left is rounding
  std::array<std::array<double, 32>, 8> basis{};
  for (std::size_t u = 0; u < 8; ++u)
    for (std::size_t x = 0; x < 32; ++x) basis[u][x] = std::cos(std::numbers::pi * static_cast<double>((2 * x + 1) * (u + 1)) / 64);
  std::array<double, 64> c{};
  for (std::size_t y = 0; y < 32; ++y)
    for (std::size_t v = 0; v < 8; ++v) {
      double across = 0;
      for (std::size_t x = 0; x < 32; ++x) across += grey[32 * y + x] * basis[v][x];
      for (std::size_t u = 0; u < 8; ++u) c[8 * u + v] += basis[u][y] * across;
    }
  auto sorted = c;
  std::sort(sorted.begin(), sorted.end());
  const double median = (sorted[31] + sorted[32]) / 2;
  std::uint64_t hash = 0;
  for (std::size_t k = 0; k < 64; ++k) hash |= static_cast<std::uint64_t>(c[k] > median) << k;
  return hash;
}

/// In how many of their 64 bits two hashes differ (Hamming distance): 0 for the same picture; about 32 for pictures that have nothing in common. As
/// half of a hash's bits are 1, distances are even.
inline int hash_distance(std::uint64_t a, std::uint64_t b) { return std::popcount(a ^ b); }

}  // namespace dcs

#include <dcs/core/header_end.inl>
