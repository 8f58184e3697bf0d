// What statistics of a set of images share: how often a resampled set contains each image (metrics/bootstrap.hpp), ratios of sums over images,
// quantiles.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/error.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

DCS_EXACT_MATH
namespace dcs {

/// How often each image of a set is drawn into a resampled set; empty: each once. A statistic of a set is a function of these that returns
/// std::optional<double>: nothing where the drawn images do not define it.
using multiplicities = std::span<const std::uint32_t>;
inline double times_drawn(multiplicities drawn, std::size_t image) { return drawn.empty() ? 1 : static_cast<double>(drawn[image]); }

/// Σ part / Σ whole over the images of a set: with 1 for `whole` the mean over images, with an image's number of lesions that over lesions. Nothing
/// where the sum of `whole` is 0.
struct ratio_of_sums {
  std::vector<double> part, whole;  // of each image
  void add(double p, double w) { part.push_back(p), whole.push_back(w); }
  std::optional<double> operator()(multiplicities drawn = {}) const {
    double p = 0, w = 0;
    for (std::size_t i = 0; i < part.size(); ++i) p += times_drawn(drawn, i) * part[i], w += times_drawn(drawn, i) * whole[i];
    if (w == 0) return std::nullopt;
    return p / w;
  }
};

/// The quantile q in [0, 1] of ascending numbers, interpolated linearly between the two nearest (NumPy's default, type 7 of Hyndman and Fan 1996).
/// Throws dcs::error where there are none.
inline double quantile(std::span<const double> ascending, double q) {
  expect(!ascending.empty() && q >= 0 && q <= 1, "dcs::quantile: quantile ", q, " of ", ascending.size(),
         " numbers; expected 0 to 1 of at least one");
  const double at = q * static_cast<double>(ascending.size() - 1);
  const auto low = static_cast<std::size_t>(at);
  return low + 1 < ascending.size() ? ascending[low] + (ascending[low + 1] - ascending[low]) * (at - static_cast<double>(low)) : ascending[low];
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
