// The prediction of any network for an image: the probability of every pixel, and the detected objects where the network detects objects, each with
// the probabilities inside its box where it segments them one by one.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/finite.hpp>
#include <dcs/image/image.hpp>
#include <dcs/image/paste.hpp>

#include <string>

DCS_EXACT_MATH
namespace dcs {

/// An object's probabilities, a grid of side × side whose cells divide `box` evenly, in pixels of the network's input. The box is the detected one,
/// or a larger one where the network says what is around it too: pasting the grid into the box is all that makes the probability of a prediction.
struct segmented_region {
  dcs::box<float> box;
  float score = 0;
  std::int64_t side = 0;
  std::vector<float> probabilities;
};

/// Probability per pixel, rows from the top, and detections (none from a network that finds no objects), both at the size of the network's input.
/// `regions`: of a network that segments each object in its box, as many as detections and in their order; `probability` is made of them alone.
/// `of_regions`: whether the network is one of these, which one cannot see where it found nothing.
struct prediction {
  std::int64_t height = 0, width = 0;
  std::vector<float> probability;
  std::vector<detection<float>> detections;
  std::vector<segmented_region> regions{};
  bool of_regions = false;

  mask above(float threshold = 0.5f) const {
    mask m{height, width, std::vector<std::uint8_t>(probability.size())};
    for (std::size_t i = 0; i < m.pixels.size(); ++i) m.pixels[i] = probability[i] > threshold;
    return m;
  }
  /// The probability at another size, without detections and regions, which are not scaled. Where there are regions they are pasted into an image of
  /// that size (image/paste.hpp): a region's grid is often finer than the input's pixels. Otherwise the probability is resized (bilinear, areas to
  /// areas, image/resize.hpp).
  prediction resized(std::int64_t to_height, std::int64_t to_width) const {
    if (to_height == height && to_width == width) return {height, width, probability, {}};
    if (regions.empty()) return {to_height, to_width, resize(float_image{height, width, 1, probability}, to_height, to_width).pixels, {}};
    prediction out{to_height, to_width, std::vector<float>(static_cast<std::size_t>(to_height * to_width), 0.0f), {}};
    for (const auto& r : regions) paste_resized(r.probabilities.data(), r.side, r.box, height, width, out.probability.data(), to_height, to_width);
    return out;
  }
  /// Throws dcs::error that begins with `name` where the probability of a pixel, or of a cell of a region, is not a number. Of regions it has to be
  /// asked before they are fused or pasted elsewhere: the maximum of a pixel and of what is no number is the pixel.
  void expect_numbers(const std::string& name) const {
    const auto check = [&](const std::vector<float>& map) {
      for (const float p : map) expect(!is_nan(p), name, ": a predicted probability is not a number");
    };
    check(probability);
    for (const auto& r : regions) check(r.probabilities);
  }
  /// `resized` for what measures or writes it: probabilities are numbers from 0 to 1. Interpolation rounds, a little beyond these too. Throws as
  /// expect_numbers.
  prediction checked(const std::string& name, std::int64_t to_height, std::int64_t to_width) const {
    expect_numbers(name);
    prediction out = resized(to_height, to_width);
    for (float& p : out.probability) p = std::clamp(p, 0.0f, 1.0f);
    return out;
  }
};

}  // namespace dcs

#include <dcs/core/header_end.inl>
