// The free-response ROC curve: the part of the lesions that is found against the false positives in an image (Bunch et al. 1978), and its sensitivity
// at fixed rates of false positives, as the LUNA16 and CAMELYON16 challenges report it.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/metrics/statistic.hpp>

#include <algorithm>
#include <array>

DCS_EXACT_MATH
namespace dcs {

/// The rates at which sensitivity is reported: false positives in an image.
inline constexpr std::array froc_rates{0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0};

/// A predicted lesion: the number of its image, its score, and whether it is matched with a true one.
struct froc_candidate {
  std::size_t image = 0;
  double score = 0;
  bool hit = false;
};

class froc_curve {
 public:
  /// `lesions`: the number of true lesions in each image. Candidates are matched once, before any is left out for its score. Throws dcs::error for a
  /// candidate of an image that is not there.
  froc_curve(std::vector<froc_candidate> candidates, std::vector<double> lesions) : candidates_(std::move(candidates)), lesions_(std::move(lesions)) {
    for (const auto& c : candidates_)
      expect(c.image < lesions_.size(), "dcs::froc_curve: a candidate of image ", c.image, "; expected less than ", lesions_.size());
    std::stable_sort(candidates_.begin(), candidates_.end(), [](const auto& a, const auto& b) { return a.score > b.score; });
  }

  /// Sensitivity at a rate of false positives an image: candidates are added by falling score, those of one score at once, and between two operating
  /// points it is interpolated linearly, from no candidate at 0 on; beyond the last point it is that point's. Nothing where no lesion is drawn.
  std::optional<double> sensitivity(double rate, multiplicities drawn = {}) const {
    double images = 0, lesions = 0;
    for (std::size_t i = 0; i < lesions_.size(); ++i) images += times_drawn(drawn, i), lesions += times_drawn(drawn, i) * lesions_[i];
    if (lesions == 0) return std::nullopt;
    const double wanted = rate * images;  // false positives in the set
    double hits = 0, wrong = 0;
    for (std::size_t first = 0, end = 0; first < candidates_.size(); first = end) {
      double more_hits = 0, more_wrong = 0;
      for (; end < candidates_.size() && candidates_[end].score == candidates_[first].score; ++end)
        (candidates_[end].hit ? more_hits : more_wrong) += times_drawn(drawn, candidates_[end].image);
      if (wrong + more_wrong > wanted) return (hits + more_hits * (wanted - wrong) / more_wrong) / lesions;
      hits += more_hits, wrong += more_wrong;
    }
    return hits / lesions;
  }
  /// The mean of the sensitivities at the seven rates.
  std::optional<double> mean_sensitivity(multiplicities drawn = {}) const {
    double sum = 0;
    for (const double rate : froc_rates) {
      const auto s = sensitivity(rate, drawn);
      if (!s) return std::nullopt;
      sum += *s;
    }
    return sum / static_cast<double>(froc_rates.size());
  }

 private:
  std::vector<froc_candidate> candidates_;
  std::vector<double> lesions_;
};

}  // namespace dcs

#include <dcs/core/header_end.inl>
