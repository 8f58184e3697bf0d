// What a network says of an image, whatever the network: the probability of every pixel, and the objects that it found where it looks for objects.
#pragma once

#include <dcs/image/image.hpp>

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
};

}  // namespace dcs
