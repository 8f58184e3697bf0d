// The regions between detector and segmentation head: choosing the boxes that the head is trained on, and jittering them (eqs 2–5).
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/philox.hpp>
#include <dcs/detect/boxes.hpp>
#include <dcs/detect/matcher.hpp>

#include <numeric>

DCS_EXACT_MATH
namespace dcs::models::dcsnet {

/// Options of the choice and jitter of regions.
struct region_options {
  int most = 4;  // regions of an image
  double positive_iou = 0.5;
  double centre_deviation = 0.05, size_deviation = 0.05;  // σ_c, σ_s
  bool ground_truth_only = false;
  friend bool operator==(const region_options&, const region_options&) = default;
};

/// Regions of one image to train on, at most `most`: every ground truth first (of more than `most` a random choice, so that all are used in the
/// course of training), then a random choice of the proposals that overlap one by at least positive_iou.
template <class T>
std::vector<box<T>> choose_regions(const region_options& o, const std::vector<box<T>>& proposals, const std::vector<box<T>>& truth,
                                   random_stream random) {
  std::vector<std::int64_t> first(truth.size());
  std::iota(first.begin(), first.end(), 0);
  box_sampler::keep(first, static_cast<std::size_t>(o.most), random.child(1));
  std::vector<box<T>> chosen;
  for (auto i : first) chosen.push_back(truth[static_cast<std::size_t>(i)]);
  if (o.ground_truth_only) return chosen;
  std::vector<std::int64_t> positive;
  for (std::size_t i = 0; i < proposals.size(); ++i)
    for (const auto& t : truth)
      if (iou(t, proposals[i]) >= static_cast<T>(o.positive_iou)) {
        positive.push_back(static_cast<std::int64_t>(i));
        break;
      }
  box_sampler::keep(positive, static_cast<std::size_t>(o.most) - chosen.size(), random);
  for (auto i : positive) chosen.push_back(proposals[static_cast<std::size_t>(i)]);
  return chosen;
}

/// Eqs 2–5: normal noise relative to the size is added to centre and size; the result is within the image, with sides of at least 1 pixel.
template <class T>
constexpr box<T> jitter(const region_options& o, const box<T>& b, std::int64_t height, std::int64_t width, random_stream random) {
  const T w = b.width(), h = b.height();
  const T cx = b.x1 + w / 2 + static_cast<T>(o.centre_deviation * random.normal(0)) * w,
          cy = b.y1 + h / 2 + static_cast<T>(o.centre_deviation * random.normal(1)) * h;
  const T nw = std::max(T(1), w * (1 + static_cast<T>(o.size_deviation * random.normal(2)))),
          nh = std::max(T(1), h * (1 + static_cast<T>(o.size_deviation * random.normal(3))));
  auto side = [](T centre, T size, T limit) {
    T low = std::clamp(centre - size / 2, T(0), limit), high = std::clamp(centre + size / 2, T(0), limit);
    if (high - low < T(1)) low = std::clamp(low, T(0), limit - 1), high = low + 1;
    return std::pair(low, high);
  };
  const auto [x1, x2] = side(cx, nw, static_cast<T>(width));
  const auto [y1, y2] = side(cy, nh, static_cast<T>(height));
  return {x1, y1, x2, y2};
}

}  // namespace dcs::models::dcsnet

#include <dcs/core/header_end.inl>
