// How sure several predictions of one image are: by pixel, and by lesion.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/image/prediction.hpp>
#include <dcs/metrics/lesions.hpp>

#include <cmath>

DCS_EXACT_MATH
namespace dcs {

/// The standard deviation of every pixel's probability over the views of an image, √(Σ (p_v − p̄)² / N), between 0 (they agree) and 0.5. `views`:
/// predictions of one size, of mirrored images turned back or of several networks. Throws dcs::error where there is none, or sizes differ.
inline std::vector<float> deviation_of(std::span<const prediction> views) {
  expect(!views.empty(), "dcs::deviation_of: there is no view; expected at least one");
  for (const auto& v : views)
    expect(v.height == views[0].height && v.width == views[0].width, "dcs::deviation_of: a view of ", v.height, " × ", v.width, " beside one of ",
           views[0].height, " × ", views[0].width);
  const auto n = static_cast<double>(views.size());
  std::vector<float> deviation(views[0].probability.size());
  for (std::size_t i = 0; i < deviation.size(); ++i) {
    double mean = 0, squares = 0;
    for (const auto& v : views) mean += static_cast<double>(v.probability[i]) / n;
    for (const auto& v : views) squares += std::pow(static_cast<double>(v.probability[i]) - mean, 2) / n;
    deviation[i] = static_cast<float>(std::sqrt(squares));
  }
  return deviation;
}

/// How sure a predicted lesion is.
struct lesion_confidence {
  double probability = 0;  ///< the mean probability of its pixels
  double deviation = 0;    ///< the mean standard deviation of its pixels over the views (deviation_of)
  double agreement = 0;    ///< the part of the views of which at least half of its pixels are above the threshold, 0 to 1
};

/// The confidence of each lesion, in the order of their numbers; numbers that no pixel has are left out. `probability` and `deviation`: one for each
/// pixel. `threshold`: above it a pixel of a view is lesion. Throws dcs::error where sizes differ.
inline std::vector<lesion_confidence> lesion_confidences(const label_map& lesions, std::span<const float> probability,
                                                         std::span<const float> deviation, std::span<const prediction> views,
                                                         float threshold = 0.5f) {
  const auto probabilities = lesion_scores(lesions, probability), deviations = lesion_scores(lesions, deviation);
  std::vector<lesion_confidence> all;
  for (std::size_t k = 0; k < probabilities.size(); ++k) all.push_back({probabilities[k], deviations[k], 0});
  for (const auto& v : views) {
    const mask above = v.above(threshold);
    const std::vector<float> seen(above.pixels.begin(), above.pixels.end());
    const auto shares = lesion_scores(lesions, seen);  // of each lesion's pixels, the part that this view has
    for (std::size_t k = 0; k < shares.size(); ++k) all[k].agreement += shares[k] >= 0.5 ? 1.0 / static_cast<double>(views.size()) : 0;
  }
  return all;
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
