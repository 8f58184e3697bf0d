// The rules for a learning rate: by the validation loss (plateau), or along a run of known length (cosine, polynomial). optim/schedule.hpp chooses
// one by name and puts a warm-up in front.
#pragma once

#include <dcs/core/header_begin.inl>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

DCS_EXACT_MATH
namespace dcs {

/// Halves a rate after `patience` epochs without a better validation loss, down to a floor; says when to stop.
struct plateau {
  int patience = 5, stop_after = 20;
  double factor = 0.5, floor = 1e-7;
  double best = std::numeric_limits<double>::infinity();
  int since_best = 0, since_change = 0;

  /// The rate for the next epoch, never above `rate`. `improved` after it says whether this epoch was the best.
  double next(double rate, double loss) {
    if (loss < best) {
      best = loss, since_best = since_change = 0;
      return rate;
    }
    ++since_best;
    if (++since_change >= patience) {
      since_change = 0;
      return std::max(std::min(floor, rate), rate * factor);
    }
    return rate;
  }
  bool improved() const { return since_best == 0; }
  bool exhausted() const { return since_best >= stop_after; }
};

/// Cosine annealing (Loshchilov & Hutter 2017, eq. 5, no restart): the rate when `done` of `all` epochs (or steps) are done, from `rate` down to
/// `least`.
inline double cosine_rate(double rate, double done, double all, double least = 0) {
  return least + (rate - least) * 0.5 * (1 + std::cos(std::numbers::pi * done / all));
}

/// Polynomial decay (Chen et al. 2018, DeepLab): the rate when `done` of `all` epochs (or steps) are done, from `rate` down to `least`.
inline double polynomial_rate(double rate, double done, double all, double power, double least = 0) {
  return least + (rate - least) * std::pow(1 - done / all, power);
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
