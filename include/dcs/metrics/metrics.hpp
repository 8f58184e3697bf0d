// The paper's metrics of one image: Dice, IoU, precision (eqs 12–14) and the 95 % Hausdorff distance (eq. 15), and their mean over a set. A missed
// lesion never improves a mean, and the number of missed lesions is reported as well.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/compiled.hpp>
#include <dcs/image/boundary.hpp>

#include <limits>

DCS_EXACT_MATH
namespace dcs {

/// Metrics of an image; hd95 in pixels. `missed`: there is a lesion, and the prediction touches no pixel of it.
struct segmentation_metrics {
  double dice = 0, iou = 0, precision = 0, hd95 = 0;
  bool missed = false;
};

namespace detail {

// Squared distance transform of one line (Felzenszwalb & Huttenlocher 2012): d[q] = min_p (q − p)² + f[p].
inline void distance_line(const double* f, double* d, std::int64_t n, std::vector<std::int64_t>& v, std::vector<double>& z) {
  const double infinity = std::numeric_limits<double>::infinity();
  std::int64_t k = -1;
  for (std::int64_t q = 0; q < n; ++q) {
    if (f[q] == infinity) continue;
    double s = -infinity;
    while (k >= 0) {
      const auto p = v[static_cast<std::size_t>(k)];
      s = ((f[q] + static_cast<double>(q * q)) - (f[p] + static_cast<double>(p * p))) / static_cast<double>(2 * (q - p));
      if (s > z[static_cast<std::size_t>(k)]) break;
      --k;
    }
    if (k < 0) s = -infinity;
    ++k;
    v[static_cast<std::size_t>(k)] = q, z[static_cast<std::size_t>(k)] = s;
  }
  const std::int64_t last = k;
  k = 0;
  for (std::int64_t q = 0; q < n; ++q) {
    if (last < 0) {
      d[q] = infinity;
      continue;
    }
    while (k < last && z[static_cast<std::size_t>(k) + 1] < static_cast<double>(q)) ++k;
    const auto p = v[static_cast<std::size_t>(k)];
    d[q] = static_cast<double>((q - p) * (q - p)) + f[p];
  }
}

// Squared distance of every pixel to the nearest set pixel.
inline std::vector<double> squared_distances(const mask& m) {
  std::vector<double> d(m.pixels.size());
  for (std::size_t i = 0; i < d.size(); ++i) d[i] = m.pixels[i] ? 0 : std::numeric_limits<double>::infinity();
  const auto most = static_cast<std::size_t>(std::max(m.height, m.width) + 1);
  std::vector<std::int64_t> v(most);
  std::vector<double> z(most), line(most), result(most);
  for (std::int64_t y = 0; y < m.height; ++y) {
    double* row = d.data() + y * m.width;
    std::copy(row, row + m.width, line.data());
    distance_line(line.data(), row, m.width, v, z);
  }
  for (std::int64_t x = 0; x < m.width; ++x) {
    for (std::int64_t y = 0; y < m.height; ++y) line[static_cast<std::size_t>(y)] = d[static_cast<std::size_t>(y * m.width + x)];
    distance_line(line.data(), result.data(), m.height, v, z);
    for (std::int64_t y = 0; y < m.height; ++y) d[static_cast<std::size_t>(y * m.width + x)] = result[static_cast<std::size_t>(y)];
  }
  return d;
}

inline double directed_95(const mask& from, const std::vector<double>& to) {
  std::vector<double> d;
  for (std::size_t i = 0; i < to.size(); ++i)
    if (from.pixels[i]) d.push_back(std::sqrt(to[i]));
  std::sort(d.begin(), d.end());
  const double at = 0.95 * static_cast<double>(d.size() - 1);
  const auto low = static_cast<std::size_t>(at);
  return low + 1 < d.size() ? d[low] + (d[low + 1] - d[low]) * (at - static_cast<double>(low)) : d[low];
}

}  // namespace detail

/// Eq. 15: the larger of the two directed 95th percentiles (linear interpolation) between the boundaries of two masks that are not empty. Pixels.
template <class = void>
double hausdorff_95(const mask& a, const mask& b) {
  const mask ba = boundary_pixels(a), bb = boundary_pixels(b);
  return std::max(detail::directed_95(ba, detail::squared_distances(bb)), detail::directed_95(bb, detail::squared_distances(ba)));
}

/// Metrics of a prediction against the truth, of equal size. Both empty: 1, 1, 1, 0. One empty: 0, 0, 0 and the image's diagonal.
template <class = void>
segmentation_metrics measure(const mask& prediction, const mask& truth) {
  expect(prediction.height == truth.height && prediction.width == truth.width, "dcs::measure: a prediction of ", prediction.height, " × ",
         prediction.width, " for a truth of ", truth.height, " × ", truth.width);
  std::int64_t both = 0;
  const std::int64_t p = prediction.count(), t = truth.count();
  for (std::size_t i = 0; i < truth.pixels.size(); ++i) both += prediction.pixels[i] & truth.pixels[i];
  if (p == 0 && t == 0) return {1, 1, 1, 0, false};
  if (p == 0 || t == 0) return {0, 0, 0, std::hypot(static_cast<double>(truth.height), static_cast<double>(truth.width)), p == 0};
  const auto n = static_cast<double>(both);
  return {2 * n / static_cast<double>(p + t), n / static_cast<double>(p + t - both), n / static_cast<double>(p), hausdorff_95(prediction, truth),
          both == 0};
}

// Templates without a parameter of their own, so that the archive may have them (core/compiled.hpp).
#define DCS_METRICS_ENTRIES(declare)                               \
  declare double hausdorff_95<void>(const mask& a, const mask& b); \
  declare segmentation_metrics measure<void>(const mask& prediction, const mask& truth);
DCS_ENTRIES_ONCE(DCS_METRICS_ENTRIES)

/// Means over a set, with the number of images and of missed ones.
struct mean_metrics {
  double dice = 0, iou = 0, precision = 0, hd95 = 0;
  std::int64_t missed = 0, images = 0;
};
inline mean_metrics mean_of(const std::vector<segmentation_metrics>& all) {
  mean_metrics m;
  for (const auto& s : all) m.dice += s.dice, m.iou += s.iou, m.precision += s.precision, m.hd95 += s.hd95, m.missed += s.missed;
  m.images = static_cast<std::int64_t>(all.size());
  const double n = std::max<double>(1, static_cast<double>(m.images));
  m.dice /= n, m.iou /= n, m.precision /= n, m.hd95 /= n;
  return m;
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
