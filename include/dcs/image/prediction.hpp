// The prediction of any network for an image: the probability of every pixel, and the detected objects where the network detects objects.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/image/image.hpp>

DCS_EXACT_MATH
namespace dcs {

/// Probability per pixel, rows from the top, and detections (none from a network that finds no objects), both at the size of the network's input.
struct prediction {
  std::int64_t height = 0, width = 0;
  std::vector<float> probability;
  std::vector<detection<float>> detections;

  mask above(float threshold = 0.5f) const {
    mask m{height, width, std::vector<std::uint8_t>(probability.size())};
    for (std::size_t i = 0; i < m.pixels.size(); ++i) m.pixels[i] = probability[i] > threshold;
    return m;
  }
  /// The probability at another size (bilinear, areas to areas, image/resize.hpp), without the detections, which are not scaled.
  prediction resized(std::int64_t to_height, std::int64_t to_width) const {
    if (to_height == height && to_width == width) return {height, width, probability, {}};
    return {to_height, to_width, resize(float_image{height, width, 1, probability}, to_height, to_width).pixels, {}};
  }
};

}  // namespace dcs

#include <dcs/core/header_end.inl>
