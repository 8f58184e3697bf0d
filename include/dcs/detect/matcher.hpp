// Assigning ground truth to boxes, and sampling boxes for a loss, by the rules of torchvision's detectors.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/compiled.hpp>
#include <dcs/core/philox.hpp>
#include <dcs/detect/boxes.hpp>

DCS_EXACT_MATH
namespace dcs {

inline constexpr int background = -1, undecided = -2;

/// For each box the ground truth of highest IoU (the first of equals) if that is at least `high`; `background` below `low`; `undecided` between. With
/// `keep_low_quality` each ground truth also keeps the boxes that overlap it most, whatever the IoU.
template <class T>
std::vector<int> match(const std::vector<box<T>>& truth, const std::vector<box<T>>& boxes, double high, double low, bool keep_low_quality) {
  std::vector<int> best(boxes.size(), background);
  if (truth.empty()) return best;
  std::vector<T> overlap(truth.size() * boxes.size()), top(truth.size(), T(0));
  for (std::size_t g = 0; g < truth.size(); ++g)
    for (std::size_t i = 0; i < boxes.size(); ++i) {
      overlap[g * boxes.size() + i] = iou(truth[g], boxes[i]);
      top[g] = std::max(top[g], overlap[g * boxes.size() + i]);
    }
  for (std::size_t i = 0; i < boxes.size(); ++i) {
    std::size_t at = 0;
    for (std::size_t g = 1; g < truth.size(); ++g)
      if (overlap[g * boxes.size() + i] > overlap[at * boxes.size() + i]) at = g;
    const T value = overlap[at * boxes.size() + i];
    best[i] = value < static_cast<T>(low) ? background : value < static_cast<T>(high) ? undecided : static_cast<int>(at);
    if (keep_low_quality)
      for (std::size_t g = 0; g < truth.size(); ++g)
        if (overlap[g * boxes.size() + i] == top[g]) best[i] = static_cast<int>(at);
  }
  return best;
}

// The entry points that dcs::compiled contains (core/compiled.hpp).
#define DCS_MATCHER_ENTRIES(declare, T) declare std::vector<int> match(const std::vector<box<T>>&, const std::vector<box<T>>&, double, double, bool);
DCS_ENTRIES(DCS_MATCHER_ENTRIES)

/// A sample of boxes: at most `size` of them, at most `positive_fraction` of these positive.
struct box_sampler {
  int size = 256;
  double positive_fraction = 0.5;
  friend bool operator==(const box_sampler&, const box_sampler&) = default;

  /// A sampler that takes every box.
  static constexpr box_sampler everything(double fraction) { return {1'000'000, fraction}; }

  /// Indices of the sample, in ascending order. `labels`: at least 1 positive, 0 negative, below 0 never sampled. Where there are more candidates
  /// than places, random numbers decide.
  std::vector<std::int64_t> draw(const std::vector<int>& labels, random_stream random) const {
    std::vector<std::int64_t> positive, negative;
    for (std::size_t i = 0; i < labels.size(); ++i)
      if (labels[i] >= 1)
        positive.push_back(static_cast<std::int64_t>(i));
      else if (labels[i] == 0)
        negative.push_back(static_cast<std::int64_t>(i));
    const auto most = static_cast<std::size_t>(static_cast<double>(size) * positive_fraction);
    keep(positive, most, random.child(1));
    keep(negative, static_cast<std::size_t>(size) - positive.size(), random.child(2));
    positive.insert(positive.end(), negative.begin(), negative.end());
    std::sort(positive.begin(), positive.end());
    return positive;
  }

  /// Where there are more than `count` of the ascending values, keeps the `count` with the smallest random numbers (of equal numbers the smallest
  /// values), in order. The random number of a value depends on the value alone, so that a device can draw all of them in parallel and select the
  /// same (matcher.cuh).
  static void keep(std::vector<std::int64_t>& values, std::size_t count, random_stream random) {
    if (values.size() <= count) return;
    std::vector<std::pair<std::uint32_t, std::int64_t>> drawn;
    for (auto v : values) drawn.emplace_back(random.bits(static_cast<std::uint64_t>(v)), v);
    std::nth_element(drawn.begin(), drawn.begin() + static_cast<std::ptrdiff_t>(count), drawn.end());
    for (std::size_t i = 0; i < count; ++i) values[i] = drawn[i].second;
    values.resize(count);
    std::sort(values.begin(), values.end());
  }
};

}  // namespace dcs

#include <dcs/core/header_end.inl>
