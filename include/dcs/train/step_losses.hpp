// The losses of a training step as numbers, and how far an epoch of steps has come.
#pragma once

#include <dcs/core/header_begin.inl>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

DCS_EXACT_MATH
namespace dcs {

/// Losses of a step, or their mean: one number for each of the network's loss_terms and count_names.
struct step_losses {
  double total = 0;
  std::vector<double> terms;
  std::vector<double> counts;

  step_losses& operator+=(const step_losses& o) {
    terms.resize(o.terms.size()), counts.resize(o.counts.size());
    total += o.total;
    for (std::size_t i = 0; i < terms.size(); ++i) terms[i] += o.terms[i];
    for (std::size_t i = 0; i < counts.size(); ++i) counts[i] += o.counts[i];
    return *this;
  }
  /// Losses times a factor; counts stay.
  step_losses scaled(double f) const {
    step_losses s = *this;
    s.total *= f;
    for (double& t : s.terms) t *= f;
    return s;
  }
};

/// An epoch between two of its steps: how many were taken, and the sums of their losses. With network, optimiser and averages it is all that the
/// epoch needs to go on, as order, augmentation and random numbers are functions of (seed, epoch, step).
struct epoch_state {
  std::int64_t steps = 0;
  step_losses sums{};

  /// The mean losses of the steps so far.
  step_losses mean() const { return sums.scaled(1 / static_cast<double>(std::max<std::int64_t>(steps, 1))); }
};

}  // namespace dcs

#include <dcs/core/header_end.inl>
