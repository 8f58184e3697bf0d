// Calibration: whether of the pixels that are lesion with a probability of p, a part of p is lesion.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/image/pixels.hpp>
#include <dcs/metrics/statistic.hpp>

#include <cmath>

DCS_EXACT_MATH
namespace dcs {

/// The pixels of an image by their probability, in bins of equal width: bin k of n has the probabilities in (k/n, (k+1)/n], and the first 0 as well.
struct calibration_bins {
  std::vector<std::int64_t> pixels, lesion;  // pixels in each bin, and those of them that are lesion in the truth
  std::vector<double> probability;           // the sum of their probabilities

  explicit calibration_bins(std::int64_t bins = 15) {
    expect(bins >= 1, "dcs::calibration_bins: ", bins, " bins; expected at least 1");
    const auto n = static_cast<std::size_t>(bins);
    pixels.assign(n, 0), lesion.assign(n, 0), probability.assign(n, 0);
  }
  /// Adds the pixels of an image. Throws dcs::error where sizes differ or a probability is not in [0, 1].
  void add(std::span<const float> p, const mask& truth) {
    expect(p.size() == truth.pixels.size(), "dcs::calibration_bins: ", p.size(), " probabilities for ", truth.pixels.size(), " pixels");
    const auto bins = static_cast<double>(pixels.size());
    for (std::size_t i = 0; i < p.size(); ++i) {
      expect(p[i] >= 0 && p[i] <= 1, "dcs::calibration_bins: a probability of ", p[i], "; expected 0 to 1");
      const auto value = static_cast<double>(p[i]);
      const auto k = static_cast<std::size_t>(std::max(0.0, std::ceil(value * bins) - 1));
      ++pixels[k], lesion[k] += truth.pixels[i], probability[k] += value;
    }
  }
};

/// The expected calibration error (Naeini et al. 2015) of the pixels of a set: the mean over pixels of the difference between the mean probability of
/// their bin and its part of lesion, Σ_k |Σ probability − lesion| / pixels. `images`: one for each image, of equal numbers of bins. Nothing where no
/// pixel is drawn.
inline std::optional<double> expected_calibration_error(std::span<const calibration_bins> images, multiplicities drawn = {}) {
  double error = 0, pixels = 0;
  const std::size_t bins = images.empty() ? 0 : images[0].pixels.size();
  for (const auto& i : images) expect(i.pixels.size() == bins, "dcs::expected_calibration_error: ", i.pixels.size(), " bins; expected ", bins);
  for (std::size_t k = 0; k < bins; ++k) {
    double surplus = 0;
    for (std::size_t i = 0; i < images.size(); ++i) {
      surplus += times_drawn(drawn, i) * (images[i].probability[k] - static_cast<double>(images[i].lesion[k]));
      pixels += times_drawn(drawn, i) * static_cast<double>(images[i].pixels[k]);
    }
    error += std::abs(surplus);
  }
  if (pixels == 0) return std::nullopt;
  return error / pixels;
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
