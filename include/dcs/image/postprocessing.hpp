// Post-processing of a probability map: from the probability of every pixel to the mask that is reported.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/image/labels.hpp>
#include <dcs/image/prediction.hpp>

#include <numeric>

DCS_EXACT_MATH
namespace dcs {

/// How a mask is made of a probability map. A pixel is lesion where its probability is above `threshold`; of the 8-connected components of these,
/// those of fewer than `smallest` pixels are removed, and of the others only the `most` largest are kept (0: all of them). The defaults remove
/// nothing.
struct postprocessing {
  float threshold = 0.5f;
  std::int64_t smallest = 0, most = 0;
  friend bool operator==(const postprocessing&, const postprocessing&) = default;
};

/// The components of a mask that a threshold leaves, in the order in which post-processing keeps them: the largest first, of equal ones that whose
/// first pixel, row by row, comes first.
struct ranked_components {
  label_map labels;                  // numbered from 1 in the order of their first pixels
  std::vector<std::int32_t> ranked;  // their numbers, the largest component first
  std::vector<std::int64_t> pixels;  // of each component in `ranked`

  explicit ranked_components(const mask& m) : labels(connected_components(m)) {
    std::vector<std::int64_t> count(static_cast<std::size_t>(labels.objects()) + 1, 0);
    for (const std::int32_t label : labels.pixels) ++count[static_cast<std::size_t>(label)];
    ranked.resize(count.size() - 1);
    std::iota(ranked.begin(), ranked.end(), 1);
    const auto size_of = [&](std::int32_t label) { return count[static_cast<std::size_t>(label)]; };
    std::stable_sort(ranked.begin(), ranked.end(), [&](std::int32_t a, std::int32_t b) { return size_of(a) > size_of(b); });
    for (const std::int32_t label : ranked) pixels.push_back(size_of(label));
  }
  /// How many of the ranked components a rule keeps: they are the first ones. `smallest` is in pixels of this mask.
  std::size_t kept(double smallest, std::int64_t most) const {
    std::size_t n = 0;
    while (n < pixels.size() && static_cast<double>(pixels[n]) >= smallest && (most == 0 || static_cast<std::int64_t>(n) < most)) ++n;
    return n;
  }
};

/// The mask that post-processing makes of a prediction. `area`: how many pixels of this prediction one pixel is of the size at which `rule.smallest`
/// counts; a rule chosen at the network's size is applied at the image's own size with the quotient of the two. Throws dcs::error where `smallest` or
/// `most` is negative, or `area` is not above 0.
inline mask postprocessed(const prediction& p, const postprocessing& rule, double area = 1) {
  expect(rule.smallest >= 0 && rule.most >= 0, "dcs::postprocessed: a smallest component of ", rule.smallest, " pixels and at most ", rule.most,
         " components; expected numbers from 0");
  expect(area > 0, "dcs::postprocessed: an area of ", area, "; expected a number above 0");
  mask m = p.above(rule.threshold);
  if (rule.smallest == 0 && rule.most == 0) return m;
  const ranked_components components(m);
  std::vector<std::uint8_t> keep(components.ranked.size() + 1, 0);
  const std::size_t kept = components.kept(static_cast<double>(rule.smallest) * area, rule.most);
  for (std::size_t k = 0; k < kept; ++k) keep[static_cast<std::size_t>(components.ranked[k])] = 1;
  for (std::size_t i = 0; i < m.pixels.size(); ++i) m.pixels[i] = keep[static_cast<std::size_t>(components.labels.pixels[i])];
  return m;
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
