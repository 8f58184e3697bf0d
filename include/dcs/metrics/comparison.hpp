// Two networks on the same images: the difference of a figure, its interval, and whether it may be chance.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/metrics/bootstrap.hpp>
#include <dcs/metrics/figures.hpp>
#include <dcs/metrics/wilcoxon.hpp>

#include <map>

DCS_EXACT_MATH
namespace dcs {

/// The number of each image's group, from 0, in the order in which groups occur first. Without any group every image is one.
inline std::vector<std::int32_t> numbers_of_groups(const std::vector<std::string>& groups) {
  const bool alone = std::all_of(groups.begin(), groups.end(), [](const std::string& g) { return g.empty(); });
  std::map<std::string, std::int32_t> numbers;
  std::vector<std::int32_t> result;
  for (std::size_t i = 0; i < groups.size(); ++i)
    result.push_back(alone ? static_cast<std::int32_t>(i) : numbers.emplace(groups[i], static_cast<std::int32_t>(numbers.size())).first->second);
  return result;
}

namespace detail {

// Differences of means, rounded to multiples of 2^-40 of the power of two below the largest mean. Equal ratios of sums differ in their last bits
// (3/3 − 2/3 and 1/3 − 0), which would give them ranks that no data has.
inline std::vector<double> rounded_differences(const std::vector<double>& first, const std::vector<double>& second) {
  double largest = 0;
  for (std::size_t i = 0; i < first.size(); ++i) largest = std::max({largest, std::abs(first[i]), std::abs(second[i])});
  std::vector<double> differences(first.size(), 0);
  if (largest == 0) return differences;
  const double step = std::ldexp(1.0, std::ilogb(largest) - 40);
  for (std::size_t i = 0; i < first.size(); ++i) differences[i] = step * std::round((second[i] - first[i]) / step);
  return differences;
}

}  // namespace detail

/// The difference second − first of a figure, with the interval of paired differences. `test`: the signed-rank test of the differences of the groups'
/// means, where the figure is a mean. They are rounded before they are ranked, to multiples of 2^-40 of the power of two below the largest mean, so
/// that those that are equal but for rounding are ties, and those that are 0 but for it are left out.
struct paired_difference {
  estimate difference;
  std::optional<wilcoxon_result> test;
};

/// Compares a figure of two networks on the same images in the same order, of which `group` has the numbers and `resampled` the resampled sets.
/// Nothing where a network does not define it.
inline std::optional<paired_difference> compare(const figure& first, const figure& second, const std::vector<std::int32_t>& group,
                                                const bootstrap& resampled) {
  const auto difference = resampled([&](multiplicities drawn) -> std::optional<double> {
    const auto a = first.value(drawn), b = second.value(drawn);
    if (!a || !b) return std::nullopt;
    return *b - *a;
  });
  if (!difference) return std::nullopt;
  paired_difference result{*difference, std::nullopt};
  if (!first.mean || !second.mean) return result;
  struct sums {
    double first = 0, second = 0, first_whole = 0, second_whole = 0;
  };
  std::map<std::int32_t, sums> of_group;
  for (std::size_t i = 0; i < group.size(); ++i) {
    auto& s = of_group[group[i]];
    s.first += first.mean->part[i], s.first_whole += first.mean->whole[i];
    s.second += second.mean->part[i], s.second_whole += second.mean->whole[i];
  }
  std::vector<double> of_first, of_second;  // means of groups
  for (const auto& [number, s] : of_group)
    if (s.first_whole > 0 && s.second_whole > 0) of_first.push_back(s.first / s.first_whole), of_second.push_back(s.second / s.second_whole);
  result.test = wilcoxon_signed_rank(detail::rounded_differences(of_first, of_second));
  return result;
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
