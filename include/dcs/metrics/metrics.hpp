// Metrics of one image: overlap (Dice, IoU, precision, eqs 12–14 of the DCSNet paper, and recall) and distances between surfaces (the 95 % Hausdorff
// distance, eq. 15, the average surface distance, the surface Dice), and their mean over a set. A missed lesion never improves a mean, and the number
// of missed lesions is reported as well.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/compiled.hpp>
#include <dcs/metrics/surface.hpp>

#include <array>

DCS_EXACT_MATH
namespace dcs {

/// The metrics that are numbers. `hd95` and `assd`, the average symmetric surface distance, are in the unit of the spacing, pixels by default;
/// `surface_dice` is that at a tolerance.
struct metric_values {
  double dice = 0, iou = 0, precision = 0, recall = 0, hd95 = 0, assd = 0, surface_dice = 0;
};

/// These numbers by name.
struct named_metric {
  const char* name;
  double metric_values::*value;
};
inline constexpr std::array named_metrics{named_metric{"dice", &metric_values::dice},
                                          named_metric{"iou", &metric_values::iou},
                                          named_metric{"precision", &metric_values::precision},
                                          named_metric{"recall", &metric_values::recall},
                                          named_metric{"hd95", &metric_values::hd95},
                                          named_metric{"assd", &metric_values::assd},
                                          named_metric{"surface_dice", &metric_values::surface_dice}};

/// Metrics of an image or of a lesion. `missed`: there is a lesion, and the prediction touches no pixel of it.
struct segmentation_metrics : metric_values {
  bool missed = false;
};

/// How surfaces are compared: the spacing of pixels, and the tolerance of the surface Dice in the same unit.
struct surface_options {
  pixel_spacing spacing{};
  double tolerance = 1;
};

/// The metrics where the prediction, the truth or both are empty. Both: everything is right (1, distances 0). One: overlaps and surface Dice are 0,
/// and distances, which are not defined, are the diagonal of an image of height × width, more than any distance between two masks in it: so a lesion
/// that is not found, or is invented, costs a mean at least as much as any that is found. `missed`: it is the prediction that is empty.
inline segmentation_metrics metrics_of_empty(bool prediction_empty, bool truth_empty, std::int64_t height, std::int64_t width,
                                             const pixel_spacing& spacing) {
  if (prediction_empty && truth_empty) return {{1, 1, 1, 1, 0, 0, 1}, false};
  const double diagonal = std::hypot(static_cast<double>(height) * spacing.rows, static_cast<double>(width) * spacing.columns);
  return {{0, 0, 0, 0, diagonal, diagonal, 0}, prediction_empty};
}

/// Metrics of a prediction against the truth, of equal size. Where either is empty: metrics_of_empty.
template <class = void>
segmentation_metrics measure(const mask& prediction, const mask& truth, const surface_options& options = {}) {
  expect(prediction.height == truth.height && prediction.width == truth.width, "dcs::measure: a prediction of ", prediction.height, " × ",
         prediction.width, " for a truth of ", truth.height, " × ", truth.width);
  std::int64_t both = 0;
  const std::int64_t p = prediction.count(), t = truth.count();
  for (std::size_t i = 0; i < truth.pixels.size(); ++i) both += prediction.pixels[i] & truth.pixels[i];
  if (p == 0 || t == 0) return metrics_of_empty(p == 0, t == 0, truth.height, truth.width, options.spacing);
  const auto n = static_cast<double>(both);
  const surface_distances distances(prediction, truth, options.spacing);
  return {{2 * n / static_cast<double>(p + t), n / static_cast<double>(p + t - both), n / static_cast<double>(p), n / static_cast<double>(t),
           distances.hausdorff_95(), distances.average(), distances.dice(options.tolerance)},
          both == 0};
}

// Templates without a parameter of their own, so that the archive may have them (core/compiled.hpp).
#define DCS_METRICS_ENTRIES(declare)                                                             \
  declare double hausdorff_95<void>(const mask& a, const mask& b, const pixel_spacing& spacing); \
  declare segmentation_metrics measure<void>(const mask& prediction, const mask& truth, const surface_options& options);
DCS_ENTRIES_ONCE(DCS_METRICS_ENTRIES)

/// Means over a set, with the number of images and of missed ones.
struct mean_metrics : metric_values {
  std::int64_t missed = 0, images = 0;
};
inline mean_metrics mean_of(const std::vector<segmentation_metrics>& all) {
  mean_metrics m;
  for (const auto& s : all) {
    for (const auto& named : named_metrics) m.*named.value += s.*named.value;
    m.missed += s.missed;
  }
  m.images = static_cast<std::int64_t>(all.size());
  const double n = std::max<double>(1, static_cast<double>(m.images));
  for (const auto& named : named_metrics) m.*named.value /= n;
  return m;
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
