// The Dice that a threshold on intensity reaches, which shows whether a data set needs a network at all.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/data/sample.hpp>

#include <array>

DCS_EXACT_MATH
namespace dcs {

/// Dice of the best single grey threshold over all images of a set: thresholds from 0 to 255 in steps of 1, in both directions.
template <dataset Data>
double best_threshold_dice(const Data& data) {
  std::vector<double> above(256, 0), below(256, 0);
  for (std::int64_t i = 0; i < data.size(); ++i) {
    const sample s = data.load(i);
    std::array<std::int64_t, 256> all{}, object{};
    for (std::size_t p = 0; p < s.truth.pixels.size(); ++p) {
      const float grey = (s.pixels.pixels[3 * p] + s.pixels.pixels[3 * p + 1] + s.pixels.pixels[3 * p + 2]) / 3;
      const auto g = static_cast<std::size_t>(std::clamp(grey, 0.0f, 255.0f));
      ++all[g], object[g] += s.truth.pixels[p];
    }
    const auto lesion = static_cast<double>(s.truth.count());
    std::int64_t n = 0, hit = 0;
    for (std::size_t t = 256; t-- > 0;) {
      n += all[t], hit += object[t];
      above[t] += static_cast<double>(n) + lesion > 0 ? 2 * static_cast<double>(hit) / (static_cast<double>(n) + lesion) : 1;
    }
    n = hit = 0;
    for (std::size_t t = 0; t < 256; ++t) {
      n += all[t], hit += object[t];
      below[t] += static_cast<double>(n) + lesion > 0 ? 2 * static_cast<double>(hit) / (static_cast<double>(n) + lesion) : 1;
    }
  }
  return std::max(*std::max_element(above.begin(), above.end()), *std::max_element(below.begin(), below.end())) / static_cast<double>(data.size());
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
