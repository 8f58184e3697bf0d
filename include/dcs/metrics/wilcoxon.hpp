// The signed-rank test of paired differences (Wilcoxon 1945): whether two networks differ on the same images.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/error.hpp>
#include <dcs/core/finite.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <vector>

DCS_EXACT_MATH
namespace dcs {

/// `pairs` are those whose difference is not 0, `positive` the sum of the ranks of positive differences, `p` two-sided.
struct wilcoxon_result {
  std::int64_t pairs = 0;
  double positive = 0, p = 1;
  bool exact = true;
};

namespace detail {

// Twice the rank of each difference by its absolute value; equal ones share the mean of their ranks, and twice a mean rank is a whole number. Adds
// t³ − t for each tie of t differences to `ties`.
inline std::vector<std::int64_t> doubled_ranks(const std::vector<double>& d, double& ties) {
  std::vector<std::size_t> order(d.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return std::abs(d[a]) < std::abs(d[b]); });
  std::vector<std::int64_t> ranks(d.size());
  for (std::size_t first = 0, end = 0; first < order.size(); first = end) {
    while (end < order.size() && std::abs(d[order[end]]) == std::abs(d[order[first]])) ++end;
    for (std::size_t i = first; i < end; ++i) ranks[order[i]] = static_cast<std::int64_t>(first + 1 + end);
    const auto t = static_cast<double>(end - first);
    ties += t * t * t - t;
  }
  return ranks;
}

// Two-sided p of a doubled rank sum: each of the 2ⁿ assignments of signs is equally likely. ways[s] counts those of sum s, exactly for n ≤ 50.
inline double exact_signed_rank_p(const std::vector<std::int64_t>& ranks, std::int64_t positive) {
  const std::int64_t all = std::accumulate(ranks.begin(), ranks.end(), std::int64_t{0});
  std::vector<double> ways(static_cast<std::size_t>(all) + 1, 0);
  ways[0] = 1;
  for (const std::int64_t r : ranks)
    for (std::int64_t s = all; s >= r; --s) ways[static_cast<std::size_t>(s)] += ways[static_cast<std::size_t>(s - r)];
  const auto at = ways.begin() + positive;
  const double below = std::accumulate(ways.begin(), at + 1, 0.0), above = std::accumulate(at, ways.end(), 0.0);
  return std::min(1.0, 2 * std::min(below, above) / std::ldexp(1.0, static_cast<int>(ranks.size())));
}

}  // namespace detail

/// The most pairs whose p is exact.
inline constexpr std::int64_t wilcoxon_exact_pairs = 50;

/// The signed-rank test of differences of pairs against a distribution that is symmetric about 0. Differences of 0 are left out (Wilcoxon's own
/// rule); equal ones share the mean of their ranks. Both are meant bit by bit: round differences that have rounding errors first, as compare does.
/// For at most 50 pairs p is exact, with ties too; for more it is that of the normal approximation, whose variance is corrected for ties, without a
/// continuity correction. Without a pair p is 1. Throws dcs::error for a difference that is not finite.
inline wilcoxon_result wilcoxon_signed_rank(const std::vector<double>& differences) {
  std::vector<double> d;
  for (const double x : differences) {
    expect(is_finite(x), "dcs::wilcoxon_signed_rank: a difference is ", x, "; expected finite numbers");
    if (x != 0) d.push_back(x);
  }
  wilcoxon_result result;
  result.pairs = static_cast<std::int64_t>(d.size());
  if (d.empty()) return result;
  double ties = 0;
  const std::vector<std::int64_t> ranks = detail::doubled_ranks(d, ties);
  std::int64_t positive = 0;
  for (std::size_t i = 0; i < d.size(); ++i) positive += d[i] > 0 ? ranks[i] : 0;
  result.positive = static_cast<double>(positive) / 2;
  result.exact = result.pairs <= wilcoxon_exact_pairs;
  if (result.exact) {
    result.p = detail::exact_signed_rank_p(ranks, positive);
  } else {
    const auto n = static_cast<double>(d.size());
    const double mean = n * (n + 1) / 4, variance = n * (n + 1) * (2 * n + 1) / 24 - ties / 48;
    result.p = std::erfc(std::abs(result.positive - mean) / std::sqrt(variance) / std::sqrt(2.0));
  }
  return result;
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
