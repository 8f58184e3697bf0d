// The mask branch of Mask R-CNN (He et al. 2017): pooled boxes to a mask of twice their side for each class. torchvision's MaskRCNNHeads and
// MaskRCNNPredictor, with their names.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/nn/layers.hpp>
#include <dcs/ops/rearrange/rearrange.hpp>

DCS_EXACT_MATH
namespace dcs {

namespace detail {
// torchvision wraps each convolution once more: mask_head.0.0.weight.
template <int Width>
struct mask_conv {
  nn::conv2d<Width, Width, 3, 1, 1, 1, true, init::he_normal<9 * Width>, init::zeros> conv;
  DCS_MEMBERS_AS((conv, "0"))
  template <operand X>
  constexpr auto operator()(const X& x) const {
    return eval(relu(conv(x)));
  }
};
}  // namespace detail

/// Four 3 × 3 convolutions, a transposed 2 × 2 one that doubles the side, each with ReLU, and a 1 × 1 one to two classes. Call: pooled boxes,
/// shape<K, 14, 14, Width>, to the logits of the object's class, shape<K, 28, 28, 1>.
template <int Width>
struct mask_head {
  static constexpr int side = 14, map = 2 * side, classes = 2;
  std::array<detail::mask_conv<Width>, 4> convs;
  nn::conv_transpose2d<Width, Width, 2, 2, 0, 0, 1, true, init::he_normal<4 * Width>, init::zeros> up;
  nn::conv2d<Width, classes, 1, 1, 0, 1, true, init::he_normal<classes>, init::zeros> logits;
  DCS_MEMBERS_AS((convs, "mask_head"), (up, "mask_predictor.conv5_mask"), (logits, "mask_predictor.mask_fcn_logits"))

  template <operand X>
  constexpr auto operator()(const X& pooled) const {
    return eval(slice<channel, 1>(all_classes(pooled)));
  }
  /// The logits of background and object, shape<K, 28, 28, 2>.
  template <operand X>
  constexpr auto all_classes(const X& pooled) const {
    const auto x = convs[3](convs[2](convs[1](convs[0](pooled))));
    return eval(logits(eval(relu(up(x)))));
  }
};

}  // namespace dcs

#include <dcs/core/header_end.inl>
