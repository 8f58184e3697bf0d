// Temperature scaling: one number, fitted on validation images, that makes probabilities calibrated without changing their order.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/image/pixels.hpp>

#include <array>
#include <cmath>
#include <span>
#include <vector>

DCS_EXACT_MATH
namespace dcs {

/// A probability at a temperature T (Guo et al. 2017, "On calibration of modern neural networks"): σ(z / T) of its logit z = log(p / (1 − p)). T > 1
/// moves probabilities towards a half, T < 1 away from it; 0, 1/2 and 1 stay, and of any two the larger is not made the smaller. Two can become
/// equal where f32 has no number between them: below 1 its steps are 6e-8, so that from a logit of about 17 T on the result is 1. The result for
/// T = 1 is p itself.
inline float at_temperature(float p, double temperature) {
  if (temperature == 1 || p <= 0 || p >= 1) return p;
  const auto q = static_cast<double>(p);
  return static_cast<float>(1 / (1 + std::pow((1 - q) / q, 1 / temperature)));
}

/// The temperature with the least negative log-likelihood of the pixels of a set, −Σ log σ(±z / T). Pixels of probability exactly 0 or 1, such as
/// those outside every region of a detector, are left out: no temperature changes them.
///
/// Pixels are collected in intervals of their logit, 1/64 wide, of which only the numbers of pixels of lesion and of others and their sums of logits
/// are kept: the memory does not depend on the set's size, and the temperature is within 1e-4 of that of the pixels themselves.
class temperature_fit {
 public:
  /// The temperatures that are considered; where none in between is best, that end of the range is. Where 0.5 parts lesion from all else, certainty
  /// only helps: at the lowest temperature probabilities up to 0.98 still differ in f32.
  static constexpr double lowest = 0.25, highest = 20;

  /// Adds the pixels of an image. Throws dcs::error where sizes differ or a probability is not in [0, 1].
  void add(std::span<const float> p, const mask& truth) {
    expect(p.size() == truth.pixels.size(), "dcs::temperature_fit: ", p.size(), " probabilities for ", truth.pixels.size(), " pixels");
    for (std::size_t i = 0; i < p.size(); ++i) {
      expect(p[i] >= 0 && p[i] <= 1, "dcs::temperature_fit: a probability of ", p[i], "; expected 0 to 1");
      if (p[i] <= 0 || p[i] >= 1) continue;
      const auto q = static_cast<double>(p[i]);
      const double z = std::log(q / (1 - q));
      auto& bin = bins_[static_cast<std::size_t>(std::clamp((z + reach) * per_unit, 0.0, static_cast<double>(count - 1)))];
      (truth.pixels[i] ? bin.lesion : bin.other).add(z);
      pixels_ += 1;
    }
  }

  /// The temperature; 1 where no pixel was added whose probability is between 0 and 1.
  double temperature() const {
    if (pixels_ == 0) return 1;
    // The likelihood is concave in β = 1 / T, so that its only maximum is where the derivative changes sign.
    double low = 1 / highest, high = 1 / lowest;
    if (slope(low) >= 0) return highest;
    if (slope(high) <= 0) return lowest;
    for (int halving = 0; halving < 60; ++halving) {
      const double middle = (low + high) / 2;
      (slope(middle) < 0 ? low : high) = middle;
    }
    return 2 / (low + high);
  }

  /// The mean negative log-likelihood of the pixels at a temperature, in nats; 0 without a pixel.
  double negative_log_likelihood(double temperature) const {
    double sum = 0;  // of terms that are not negative: nothing cancels, however small it is
    for (const auto& bin : bins_)
      sum += bin.lesion.pixels * softplus(-bin.lesion.mean() / temperature) + bin.other.pixels * softplus(bin.other.mean() / temperature);
    return pixels_ > 0 ? sum / pixels_ : 0;
  }

  /// The expected calibration error of the pixels at a temperature, by bins of equal width of their probability (calibration.hpp, of which this
  /// is the value for the mean probability of each interval); 0 without a pixel.
  double calibration_error(double temperature, std::int64_t bins = 15) const {
    expect(bins >= 1, "dcs::temperature_fit: ", bins, " bins; expected at least 1");
    std::vector<double> surplus(static_cast<std::size_t>(bins), 0);
    for (const auto& bin : bins_) {
      const double pixels = bin.lesion.pixels + bin.other.pixels;
      if (pixels == 0) continue;
      const double p = sigmoid((bin.lesion.logits + bin.other.logits) / pixels / temperature);
      surplus[static_cast<std::size_t>(std::max(0.0, std::ceil(p * static_cast<double>(bins)) - 1))] += pixels * p - bin.lesion.pixels;
    }
    double error = 0;
    for (const double s : surplus) error += std::abs(s);
    return pixels_ > 0 ? error / pixels_ : 0;
  }

 private:
  static constexpr double reach = 24, per_unit = 64;  // logits of f32 between 0 and 1, but for the very smallest, are from −24 to 17
  static constexpr std::size_t count = static_cast<std::size_t>(2 * reach * per_unit);
  struct logit_sum {
    double pixels = 0, logits = 0;
    void add(double z) { ++pixels, logits += z; }
    double mean() const { return pixels > 0 ? logits / pixels : 0; }
  };
  struct bin {
    logit_sum lesion, other;
  };
  static double sigmoid(double z) { return 1 / (1 + std::exp(-z)); }
  static double softplus(double z) { return std::max(z, 0.0) + std::log1p(std::exp(-std::abs(z))); }
  // The derivative of the negative log-likelihood by β: Σ z (σ(β z) − y).
  double slope(double beta) const {
    double sum = 0;
    for (const auto& bin : bins_) sum += bin.other.logits * sigmoid(beta * bin.other.mean()) - bin.lesion.logits * sigmoid(-beta * bin.lesion.mean());
    return sum;
  }

  std::array<bin, count> bins_{};
  double pixels_ = 0;
};

}  // namespace dcs

#include <dcs/core/header_end.inl>
