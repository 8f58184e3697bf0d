// Masks of regions: the target of a region. Its probabilities are pasted into the image by image/paste.hpp.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/cuda/block.hpp>
#include <dcs/expr/pointwise.hpp>
#include <dcs/image/paste.hpp>
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

// The expression that dcs::compiled contains (core/compiled.hpp).
#define DCS_REGION_EXPRESSIONS(declare, T) DCS_EXPRESSION(declare, T, apply<above_half>(expr::map<T>()))
DCS_ENTRIES(DCS_REGION_EXPRESSIONS)

}  // namespace dcs

#include <dcs/core/header_end.inl>
