// Images as programs hold them: 8-bit pixels from files, float planes for arithmetic, binary masks; and what turns one into another.
#pragma once

#include <dcs/core/box.hpp>
#include <dcs/core/error.hpp>

#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

namespace dcs {

/// 8-bit pixels, rows from the top, channels (1 or 3) innermost.
struct image {
  std::int64_t height = 0, width = 0, channels = 1;
  std::vector<std::uint8_t> pixels;
};

/// Float pixels in 0..255, channels innermost.
struct float_image {
  std::int64_t height = 0, width = 0, channels = 1;
  std::vector<float> pixels;
  float& at(std::int64_t y, std::int64_t x, std::int64_t c) { return pixels[static_cast<std::size_t>((y * width + x) * channels + c)]; }
  float at(std::int64_t y, std::int64_t x, std::int64_t c) const { return pixels[static_cast<std::size_t>((y * width + x) * channels + c)]; }
};

/// A binary mask: 0 or 1 per pixel.
struct mask {
  std::int64_t height = 0, width = 0;
  std::vector<std::uint8_t> pixels;
  std::uint8_t& at(std::int64_t y, std::int64_t x) { return pixels[static_cast<std::size_t>(y * width + x)]; }
  std::uint8_t at(std::int64_t y, std::int64_t x) const { return pixels[static_cast<std::size_t>(y * width + x)]; }
  std::int64_t count() const {
    std::int64_t n = 0;
    for (auto p : pixels) n += p;
    return n;
  }
};

/// Three channels of floats; grey repeats.
inline float_image to_float(const image& i) {
  float_image f{i.height, i.width, 3, std::vector<float>(static_cast<std::size_t>(i.height * i.width * 3))};
  for (std::int64_t p = 0; p < i.height * i.width; ++p)
    for (std::int64_t c = 0; c < 3; ++c)
      f.pixels[static_cast<std::size_t>(p * 3 + c)] =
          static_cast<float>(i.pixels[static_cast<std::size_t>(p * i.channels + (i.channels == 3 ? c : 0))]);
  return f;
}

/// Foreground of a mask image: any channel above `threshold` (0 for lossless files, 127 for JPEG), since labels are often drawn in colour.
inline mask to_mask(const image& i, int threshold) {
  mask m{i.height, i.width, std::vector<std::uint8_t>(static_cast<std::size_t>(i.height * i.width))};
  for (std::size_t p = 0; p < i.pixels.size(); ++p) m.pixels[p / static_cast<std::size_t>(i.channels)] |= i.pixels[p] > threshold;
  return m;
}

namespace detail {

struct resize_weights {
  std::int64_t first = 0;
  std::vector<float> weight;
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

}  // namespace detail

/// Bilinear resize with antialiasing, as PyTorch's interpolate(mode="bilinear", antialias=True).
inline float_image resize(const float_image& in, std::int64_t height, std::int64_t width) {
  if (in.height == height && in.width == width) return in;
  const auto across = detail::antialiased(in.width, width), down = detail::antialiased(in.height, height);
  float_image middle{in.height, width, in.channels, std::vector<float>(static_cast<std::size_t>(in.height * width * in.channels))};
  for (std::int64_t y = 0; y < in.height; ++y)
    for (std::int64_t x = 0; x < width; ++x) {
      const auto& w = across[static_cast<std::size_t>(x)];
      for (std::int64_t c = 0; c < in.channels; ++c) {
        float sum = 0;
        for (std::size_t k = 0; k < w.weight.size(); ++k) sum += w.weight[k] * in.at(y, w.first + static_cast<std::int64_t>(k), c);
        middle.at(y, x, c) = sum;
      }
    }
  float_image out{height, width, in.channels, std::vector<float>(static_cast<std::size_t>(height * width * in.channels), 0.0f)};
  for (std::int64_t y = 0; y < height; ++y) {
    const auto& w = down[static_cast<std::size_t>(y)];
    for (std::size_t k = 0; k < w.weight.size(); ++k)
      for (std::int64_t x = 0; x < width * in.channels; ++x)
        out.pixels[static_cast<std::size_t>(y * width * in.channels + x)] +=
            w.weight[k] * middle.pixels[static_cast<std::size_t>((w.first + static_cast<std::int64_t>(k)) * width * in.channels + x)];
  }
  return out;
}

/// Nearest-neighbour resize of a mask: pixel ⌊i · in / out⌋.
inline mask resize(const mask& in, std::int64_t height, std::int64_t width) {
  mask out{height, width, std::vector<std::uint8_t>(static_cast<std::size_t>(height * width))};
  for (std::int64_t y = 0; y < height; ++y)
    for (std::int64_t x = 0; x < width; ++x) out.at(y, x) = in.at(y * in.height / height, x * in.width / width);
  return out;
}

/// Boxes of the objects of a mask: 8-connected components of at least `smallest` pixels, their inclusive extremes grown by `margin` pixels per side,
/// clipped.
inline std::vector<box<float>> object_boxes(const mask& m, std::int64_t smallest = 4, std::int64_t margin = 5) {
  std::vector<box<float>> boxes;
  std::vector<std::uint8_t> seen(m.pixels.size(), 0);
  std::vector<std::int64_t> stack;
  for (std::int64_t start = 0; start < m.height * m.width; ++start) {
    if (!m.pixels[static_cast<std::size_t>(start)] || seen[static_cast<std::size_t>(start)]) continue;
    std::int64_t count = 0, x1 = m.width, y1 = m.height, x2 = -1, y2 = -1;
    stack.assign(1, start);
    seen[static_cast<std::size_t>(start)] = 1;
    while (!stack.empty()) {
      const std::int64_t p = stack.back(), y = p / m.width, x = p % m.width;
      stack.pop_back();
      ++count, x1 = std::min(x1, x), x2 = std::max(x2, x), y1 = std::min(y1, y), y2 = std::max(y2, y);
      for (std::int64_t v = std::max<std::int64_t>(y - 1, 0); v <= std::min(y + 1, m.height - 1); ++v)
        for (std::int64_t u = std::max<std::int64_t>(x - 1, 0); u <= std::min(x + 1, m.width - 1); ++u) {
          const auto q = static_cast<std::size_t>(v * m.width + u);
          if (m.pixels[q] && !seen[q]) seen[q] = 1, stack.push_back(v * m.width + u);
        }
    }
    if (count < smallest) continue;
    boxes.push_back({static_cast<float>(std::max<std::int64_t>(x1 - margin, 0)), static_cast<float>(std::max<std::int64_t>(y1 - margin, 0)),
                     static_cast<float>(std::min(x2 + margin, m.width)), static_cast<float>(std::min(y2 + margin, m.height))});
  }
  return boxes;
}

}  // namespace dcs
