// The regions between detector and segmentation head: which boxes it is trained on, how they are jittered (eqs 2–5), what the target of a region is,
// and how a region's probabilities come back into the image.
#pragma once

#include <dcs/core/philox.hpp>
#include <dcs/core/tensor.hpp>
#include <dcs/cuda/block.hpp>
#include <dcs/detect/boxes.hpp>
#include <dcs/detect/matcher.hpp>
#include <dcs/ops/roi_align/roi_align.hpp>

#include <numeric>

namespace dcs {

/// Numbers of the choice and perturbation of regions.
struct region_options {
  int most = 4;  // regions of an image
  double positive_iou = 0.5;
  double centre_deviation = 0.05, size_deviation = 0.05;  // σ_c, σ_s
  bool ground_truth_only = false;
  friend bool operator==(const region_options&, const region_options&) = default;
};

/// Regions of one image to train on, at most `most`: every ground truth first (of more than `most` a random choice, so that none is left out for
/// ever), then a random choice of the proposals that overlap one by at least positive_iou.
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

/// Eqs 2–5: centre and size moved by normal noise relative to the size; within the image, sides at least 1 pixel.
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

/// 1 above a half, else 0.
struct above_half {
  template <class T>
  DCS_DEVICE static T f(T x) {
    return x > T(0.5) ? T(1) : T(0);
  }
  template <int, class T>
  DCS_DEVICE static T df(T, T) {
    return T(0);
  }
};

/// The target of each RoI: its crop of the image's mask by RoIAlign, above 0.5. masks: shape<N, H, W, 1> of 0 and 1; rois: shape<roi, 5>.
template <extent_t Base, class T, class M, class B, class R, class D>
tensor<T, shape<extent_of<R, 0>, Base, Base, 1>, D> region_targets(const tensor<T, M, D>& masks, const tensor<B, R, D>& rois) {
  return eval(apply<above_half>(roi_align<Base>(masks, rois, roi_options{})));
}

/// Puts a region's Base × Base probabilities into an image: pixel j of x1 <= j <= x2 samples at u = (j − x1) · Base / (x2 − x1) − ½, clamped,
/// bilinearly, and the maximum with what is there stays.
template <class T>
void paste(const T* probabilities, std::int64_t base, const box<T>& b, T* image, std::int64_t height, std::int64_t width) {
  auto taps = [&](std::int64_t j, T low, T high) {
    const T u = std::clamp((static_cast<T>(j) - low) * static_cast<T>(base) / std::max(high - low, T(1e-6)) - T(0.5), T(0), static_cast<T>(base - 1));
    const auto i = std::min(static_cast<std::int64_t>(u), base - 1);
    return std::tuple(i, std::min(i + 1, base - 1), u - static_cast<T>(i));
  };
  const auto j0 = std::max<std::int64_t>(0, static_cast<std::int64_t>(std::ceil(b.x1))),
             j1 = std::min(width - 1, static_cast<std::int64_t>(std::floor(b.x2)));
  const auto i0 = std::max<std::int64_t>(0, static_cast<std::int64_t>(std::ceil(b.y1))),
             i1 = std::min(height - 1, static_cast<std::int64_t>(std::floor(b.y2)));
  for (std::int64_t i = i0; i <= i1; ++i) {
    const auto [r0, r1, fy] = taps(i, b.y1, b.y2);
    for (std::int64_t j = j0; j <= j1; ++j) {
      const auto [c0, c1, fx] = taps(j, b.x1, b.x2);
      const T top = probabilities[r0 * base + c0] * (1 - fx) + probabilities[r0 * base + c1] * fx;
      const T bottom = probabilities[r1 * base + c0] * (1 - fx) + probabilities[r1 * base + c1] * fx;
      T& pixel = image[i * width + j];
      pixel = std::max(pixel, top * (1 - fy) + bottom * fy);
    }
  }
}

// What dcs::compiled has of these (core/compiled.hpp).
#define DCS_REGION_EXPRESSIONS(declare, T) DCS_EXPRESSION(declare, T, apply<above_half>(expr::map<T>()))
#define DCS_REGIONS_ENTRIES(declare, T)                                                                                                     \
  declare std::vector<box<T>> choose_regions(const region_options&, const std::vector<box<T>>&, const std::vector<box<T>>&, random_stream); \
  declare void paste(const T*, std::int64_t, const box<T>&, T*, std::int64_t, std::int64_t);
DCS_ENTRIES(DCS_REGION_EXPRESSIONS)
DCS_ENTRIES(DCS_REGIONS_ENTRIES)

}  // namespace dcs
