// Images and masks at another size. All go through one map, in which the area of the whole image is the area of the whole result, so that a mask lies
// on its image at every size.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/image/objects.hpp>

#include <cmath>
#include <utility>

DCS_EXACT_MATH
namespace dcs {

namespace detail {

struct resize_weights {
  std::int64_t first = 0;
  std::vector<float> weight;
  std::int64_t end() const { return first + static_cast<std::int64_t>(weight.size()); }
};

// Triangle filter, widened by the scale when shrinking, so that every input pixel counts (antialiasing); pixel areas map to pixel areas.
inline std::vector<resize_weights> antialiased(std::int64_t in, std::int64_t out) {
  std::vector<resize_weights> all;
  const double scale = static_cast<double>(in) / static_cast<double>(out), support = std::max(1.0, scale);
  for (std::int64_t i = 0; i < out; ++i) {
    const double centre = (static_cast<double>(i) + 0.5) * scale;
    const auto low = std::max<std::int64_t>(0, static_cast<std::int64_t>(centre - support + 0.5)),
               high = std::min(in, static_cast<std::int64_t>(centre + support + 0.5));
    resize_weights w{low, {}};
    double total = 0;
    for (std::int64_t k = low; k < high; ++k) total += std::max(0.0, 1 - std::abs((static_cast<double>(k) + 0.5 - centre) / support));
    for (std::int64_t k = low; k < high; ++k)
      w.weight.push_back(static_cast<float>(std::max(0.0, 1 - std::abs((static_cast<double>(k) + 0.5 - centre) / support)) / total));
    all.push_back(std::move(w));
  }
  return all;
}

inline void check_sizes(std::int64_t in_height, std::int64_t in_width, std::int64_t height, std::int64_t width) {
  constexpr std::int64_t most = std::int64_t{1} << 29;
  for (const std::int64_t n : {in_height, in_width, height, width})
    expect(n >= 1 && n <= most, "dcs::resize: ", in_height, " × ", in_width, " to ", height, " × ", width, "; expected sides of 1 to ", most);
}

// in(y, x, c) is called row by row and each row is used at once, so that a large image is never stored in floats.
template <class In>
float_image resized(std::int64_t in_height, std::int64_t in_width, std::int64_t channels, std::int64_t height, std::int64_t width, const In& in) {
  check_sizes(in_height, in_width, height, width);
  const auto across = antialiased(in_width, width), down = antialiased(in_height, height);
  float_image out{height, width, channels, std::vector<float>(static_cast<std::size_t>(height * width * channels), 0.0f)};
  std::vector<float> line(static_cast<std::size_t>(width * channels));
  std::int64_t begin = 0;
  for (std::int64_t y = 0; y < in_height; ++y) {
    for (std::int64_t x = 0; x < width; ++x) {
      const auto& w = across[static_cast<std::size_t>(x)];
      for (std::int64_t c = 0; c < channels; ++c) {
        float sum = 0;
        for (std::size_t k = 0; k < w.weight.size(); ++k) sum += w.weight[k] * in(y, w.first + static_cast<std::int64_t>(k), c);
        line[static_cast<std::size_t>(x * channels + c)] = sum;
      }
    }
    // The rows of the result that this row is part of: their first and last rows rise with them.
    while (begin < height && down[static_cast<std::size_t>(begin)].end() <= y) ++begin;
    for (std::int64_t r = begin; r < height && down[static_cast<std::size_t>(r)].first <= y; ++r) {
      const auto& w = down[static_cast<std::size_t>(r)];
      const float weight = w.weight[static_cast<std::size_t>(y - w.first)];
      for (std::size_t x = 0; x < line.size(); ++x) out.pixels[static_cast<std::size_t>(r) * line.size() + x] += weight * line[x];
    }
  }
  return out;
}

// The pixel of `out` in whose area the middle of pixel `i` of `in` lies.
inline std::int64_t pixel_over(std::int64_t i, std::int64_t in, std::int64_t out) { return (2 * i + 1) * out / (2 * in); }

// For each object of `in` that has no pixel in `out`, sets the one that `in` covers most.
inline void keep_objects(const mask& in, const float_image& coverage, mask& out) {
  bool found = false;
  std::pair<std::int64_t, std::int64_t> largest{-1, -1};
  float most = -1;
  for_each_object(
      in,
      [&](std::int64_t y, std::int64_t x) {
        const std::int64_t v = pixel_over(y, in.height, out.height), u = pixel_over(x, in.width, out.width);
        found = found || out.at(v, u) != 0;
        if (coverage.at(v, u, 0) > most) most = coverage.at(v, u, 0), largest = {v, u};
      },
      [&] {
        if (!found) out.at(largest.first, largest.second) = 1;
        found = false, most = -1;
      });
}

}  // namespace detail

/// Bilinear resize with antialiasing, as PyTorch's interpolate(mode="bilinear", antialias=True). Sides of 1 or more.
inline float_image resize(const float_image& in, std::int64_t height, std::int64_t width) {
  if (in.height == height && in.width == width) return in;
  return detail::resized(in.height, in.width, in.channels, height, width,
                         [&](std::int64_t y, std::int64_t x, std::int64_t c) { return in.at(y, x, c); });
}

/// The same as resize(to_float(in), height, width): three channels, grey repeated; without an image of floats at the first size.
inline float_image resize(const image& in, std::int64_t height, std::int64_t width) {
  if (in.height == height && in.width == width) return to_float(in);
  float_image out = detail::resized(in.height, in.width, in.channels, height, width, [&](std::int64_t y, std::int64_t x, std::int64_t c) {
    return static_cast<float>(in.pixels[static_cast<std::size_t>((y * in.width + x) * in.channels + c)]);
  });
  if (in.channels == 3) return out;
  float_image three{height, width, 3, {}};
  three.pixels.reserve(out.pixels.size() * 3);
  for (const float v : out.pixels) three.pixels.insert(three.pixels.end(), 3, v);
  return three;
}

/// A mask at another size, by the map of its image: the share of each pixel that the mask covers (weighted as the image's pixels are), cut at a half.
/// An object that would vanish keeps its largest pixel: no lesion is lost by shrinking.
inline mask resize(const mask& in, std::int64_t height, std::int64_t width) {
  if (in.height == height && in.width == width) return in;
  const float_image coverage = detail::resized(in.height, in.width, 1, height, width,
                                               [&](std::int64_t y, std::int64_t x, std::int64_t) { return in.at(y, x) != 0 ? 1.0f : 0.0f; });
  mask out{height, width, std::vector<std::uint8_t>(coverage.pixels.size())};
  // The tolerance makes an exact half count as a half in spite of rounding: otherwise an object's left and right edges would be treated differently.
  for (std::size_t i = 0; i < out.pixels.size(); ++i) out.pixels[i] = coverage.pixels[i] >= 0.5f - 1e-5f;
  detail::keep_objects(in, coverage, out);
  return out;
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
