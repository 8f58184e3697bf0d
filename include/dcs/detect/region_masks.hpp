// Masks of regions: the target of a region, and pasting a region's probabilities into the image.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/box.hpp>
#include <dcs/cuda/block.hpp>
#include <dcs/expr/pointwise.hpp>
#include <dcs/ops/roi_align/roi_align.hpp>

DCS_EXACT_MATH
namespace dcs {

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

/// Pastes a region's Base × Base probabilities into an image: pixel j of x1 <= j <= x2 samples them bilinearly at u = (j − x1) · Base / (x2 − x1) −
/// ½, clamped, and becomes the maximum of that and its previous value.
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

// The entry points that dcs::compiled contains (core/compiled.hpp).
#define DCS_REGION_EXPRESSIONS(declare, T) DCS_EXPRESSION(declare, T, apply<above_half>(expr::map<T>()))
#define DCS_REGION_ENTRIES(declare, T) declare void paste(const T*, std::int64_t, const box<T>&, T*, std::int64_t, std::int64_t);
DCS_ENTRIES(DCS_REGION_EXPRESSIONS)
DCS_ENTRIES(DCS_REGION_ENTRIES)

}  // namespace dcs

#include <dcs/core/header_end.inl>
