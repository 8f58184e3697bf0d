// The rules for a learning rate from epoch to epoch: plateau, cosine.
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

  /// The rate for the next epoch. `improved` after it says whether this epoch was the best.
  double next(double rate, double loss) {
    if (loss < best) {
      best = loss, since_best = since_change = 0;
      return rate;
    }
    ++since_best;
    if (++since_change >= patience) {
      since_change = 0;
      return std::max(floor, rate * factor);
    }
    return rate;
  }
  bool improved() const { return since_best == 0; }
  bool exhausted() const { return since_best >= stop_after; }
};

/// Cosine annealing (Loshchilov & Hutter 2017, no restart): the rate of `epoch` (from 0) of `epochs`, from `rate` down to almost 0. For runs of known
/// length.
inline double cosine_rate(double rate, int epoch, int epochs) { return rate * 0.5 * (1 + std::cos(std::numbers::pi * epoch / epochs)); }

}  // namespace dcs

#include <dcs/core/header_end.inl>
