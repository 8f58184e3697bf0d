// Metrics lesion by lesion: which true lesions are found, by which predicted ones, and how well.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/image/labels.hpp>
#include <dcs/metrics/metrics.hpp>

#include <algorithm>
#include <array>
#include <span>

DCS_EXACT_MATH
namespace dcs {

/// A true lesion: its pixels, the index of the predicted lesion that it is matched with, or −1, and the metrics of the two.
struct true_lesion {
  std::int64_t pixels = 0;
  std::int32_t match = -1;
  segmentation_metrics metrics{};
};
/// A predicted lesion: its pixels, the mean probability of these, and the index of the true lesion that it is matched with, or −1.
struct predicted_lesion {
  std::int64_t pixels = 0;
  double score = 0;
  std::int32_t match = -1;
};
struct image_lesions {
  std::vector<true_lesion> truth;
  std::vector<predicted_lesion> predicted;
};

struct lesion_options {
  double iou = 0.1;  // the least overlap of two lesions that match
  surface_options surface{};
};

namespace detail {

// The pixels of each lesion of a label map, and the part of the image that it is in. Numbers that no pixel has are left out: lesions are counted from
// 0.
struct lesion_extent {
  std::int32_t label = 0;
  std::int64_t pixels = 0, top = 0, left = 0, bottom = 0, right = 0;  // bottom and right are behind the last
};
inline std::vector<lesion_extent> lesion_extents(const label_map& m) {
  std::vector<lesion_extent> all(static_cast<std::size_t>(m.objects()) + 1);
  for (std::int64_t y = 0; y < m.height; ++y)
    for (std::int64_t x = 0; x < m.width; ++x) {
      const std::int32_t label = m.at(y, x);
      if (label <= 0) continue;
      auto& e = all[static_cast<std::size_t>(label)];
      if (e.pixels++ == 0) e = {label, 1, y, x, y + 1, x + 1};
      e.left = std::min(e.left, x), e.right = std::max(e.right, x + 1), e.bottom = y + 1;
    }
  std::erase_if(all, [](const lesion_extent& e) { return e.pixels == 0; });
  return all;
}

// The lesion's mask in a part of the image.
inline mask lesion_in(const label_map& m, std::int32_t label, const lesion_extent& part) {
  mask out{part.bottom - part.top, part.right - part.left, {}};
  for (std::int64_t y = part.top; y < part.bottom; ++y)
    for (std::int64_t x = part.left; x < part.right; ++x) out.pixels.push_back(m.at(y, x) == label);
  return out;
}

struct lesion_overlap {
  double iou = 0;
  std::size_t truth = 0, predicted = 0;
};
// The pairs of lesions that overlap by at least `least`, by falling IoU, then by their numbers.
inline std::vector<lesion_overlap> lesion_overlaps(const label_map& truth, const std::vector<lesion_extent>& true_ones, const label_map& prediction,
                                                   const std::vector<lesion_extent>& predicted_ones, double least) {
  std::vector<std::int64_t> pairs;  // one number for each pixel that both have
  const auto columns = static_cast<std::int64_t>(prediction.objects()) + 1;
  for (std::size_t i = 0; i < truth.pixels.size(); ++i)
    if (truth.pixels[i] > 0 && prediction.pixels[i] > 0) pairs.push_back(truth.pixels[i] * columns + prediction.pixels[i]);
  std::sort(pairs.begin(), pairs.end());
  const auto index_of = [](const std::vector<lesion_extent>& all, std::int64_t label) {
    const auto at = std::lower_bound(all.begin(), all.end(), label, [](const lesion_extent& e, std::int64_t l) { return e.label < l; });
    return static_cast<std::size_t>(at - all.begin());
  };
  std::vector<lesion_overlap> found;
  for (std::size_t first = 0, end = 0; first < pairs.size(); first = end) {
    while (end < pairs.size() && pairs[end] == pairs[first]) ++end;
    const std::size_t t = index_of(true_ones, pairs[first] / columns), p = index_of(predicted_ones, pairs[first] % columns);
    const auto both = static_cast<std::int64_t>(end - first);
    const double iou = static_cast<double>(both) / static_cast<double>(true_ones[t].pixels + predicted_ones[p].pixels - both);
    if (iou >= least) found.push_back({iou, t, p});
  }
  std::stable_sort(found.begin(), found.end(), [](const lesion_overlap& a, const lesion_overlap& b) { return a.iou > b.iou; });
  return found;
}

}  // namespace detail

/// The mean probability of the pixels of each lesion, in the order of their numbers; numbers that no pixel has are left out. `probability`: one for
/// each pixel.
inline std::vector<double> lesion_scores(const label_map& lesions, std::span<const float> probability) {
  expect(probability.size() == lesions.pixels.size(), "dcs::lesion_scores: ", probability.size(), " probabilities for ", lesions.pixels.size(),
         " pixels");
  std::vector<double> sums(static_cast<std::size_t>(lesions.objects()) + 1, 0), scores;
  for (std::size_t i = 0; i < probability.size(); ++i)
    if (lesions.pixels[i] > 0) sums[static_cast<std::size_t>(lesions.pixels[i])] += static_cast<double>(probability[i]);
  for (const auto& e : detail::lesion_extents(lesions)) scores.push_back(sums[static_cast<std::size_t>(e.label)] / static_cast<double>(e.pixels));
  return scores;
}

/// The lesions of an image, each with its match and its metrics. `probability`: one for each pixel, for the scores of predicted lesions.
///
/// One true and one predicted lesion match where their IoU is at least `options.iou`: pairs are taken by falling IoU, of equals that of the lower
/// number in the truth and then in the prediction first, and no lesion is taken twice. A true lesion without a match is missed, and has the metrics
/// of an empty prediction (metrics_of_empty): distances are the diagonal of the image. Throws dcs::error where sizes differ, or the least IoU is not
/// above 0 and at most 1.
inline image_lesions measure_lesions(const label_map& prediction, const label_map& truth, std::span<const float> probability,
                                     const lesion_options& options = {}) {
  expect(prediction.height == truth.height && prediction.width == truth.width && probability.size() == truth.pixels.size(),
         "dcs::measure_lesions: a prediction of ", prediction.height, " × ", prediction.width, " and ", probability.size(),
         " probabilities for a truth of ", truth.height, " × ", truth.width);
  expect(options.iou > 0 && options.iou <= 1, "dcs::measure_lesions: a least IoU of ", options.iou, "; expected above 0, at most 1");
  const auto true_ones = detail::lesion_extents(truth), predicted_ones = detail::lesion_extents(prediction);
  image_lesions result;
  for (const auto& e : true_ones)
    result.truth.push_back({e.pixels, -1, metrics_of_empty(true, false, truth.height, truth.width, options.surface.spacing)});
  const auto scores = lesion_scores(prediction, probability);
  for (std::size_t k = 0; k < predicted_ones.size(); ++k) result.predicted.push_back({predicted_ones[k].pixels, scores[k], -1});
  for (const auto& pair : detail::lesion_overlaps(truth, true_ones, prediction, predicted_ones, options.iou)) {
    auto& t = result.truth[pair.truth];
    auto& p = result.predicted[pair.predicted];
    if (t.match >= 0 || p.match >= 0) continue;
    t.match = static_cast<std::int32_t>(pair.predicted), p.match = static_cast<std::int32_t>(pair.truth);
    const auto &a = true_ones[pair.truth], &b = predicted_ones[pair.predicted];
    const detail::lesion_extent part{
        0, 0, std::min(a.top, b.top), std::min(a.left, b.left), std::max(a.bottom, b.bottom), std::max(a.right, b.right)};
    t.metrics = measure(detail::lesion_in(prediction, b.label, part), detail::lesion_in(truth, a.label, part), options.surface);
  }
  return result;
}

/// Sizes of lesions by their pixels: small below `medium`, large from `large` on. The defaults are COCO's, 32² and 96².
struct size_limits {
  std::int64_t medium = 32 * 32, large = 96 * 96;
};
/// The strata of figures: all lesions, and those of one size.
enum class stratum { all, small, medium, large };
inline constexpr std::array strata{stratum::all, stratum::small, stratum::medium, stratum::large};
inline constexpr std::array stratum_names{"all", "small", "medium", "large"};
inline const char* name_of(stratum s) { return stratum_names[static_cast<std::size_t>(s)]; }
/// Whether a lesion of so many pixels is in a stratum; one without pixels is in `all` alone.
inline bool contains(stratum s, double pixels, const size_limits& limits) {
  const auto medium = static_cast<double>(limits.medium), large = static_cast<double>(limits.large);
  switch (s) {
    case stratum::small:
      return pixels > 0 && pixels < medium;
    case stratum::medium:
      return pixels >= medium && pixels < large;
    case stratum::large:
      return pixels >= large;
    default:
      return true;
  }
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
