// Feature pyramid network (Lin et al. 2017) with torchvision's conventions and names: 1 × 1 lateral and 3 × 3 output convolutions with bias,
// nearest-neighbour top-down path, and a fifth level P6 that is P5 subsampled. The top-down sum is the lateral convolution's epilogue.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/detect/stages.hpp>
#include <dcs/nn/layers.hpp>
#include <dcs/ops/pool/pool.hpp>
#include <dcs/ops/resize/resize.hpp>

DCS_EXACT_MATH
namespace dcs::models::fpn {

// torchvision wraps each convolution once more: inner_blocks.0.0.weight.
template <int In, int Out, int K>
struct wrapped_conv {
  nn::conv2d<In, Out, K, 1, (K - 1) / 2, 1, true, init::he_uniform_linear<K * K * In>, init::zeros> conv;
  DCS_MEMBERS_AS((conv, "0"))
  template <operand X>
  constexpr auto operator()(const X& x) const {
    return conv(x);
  }
};

/// Pyramid of Width channels over maps of C2..C5 channels. Call: a tuple C2..C5 to a tuple P2..P6.
template <int Width, int C2, int C3, int C4, int C5>
struct pyramid {
  using tested_stage = tested<pyramid, pyramid_role<Width, C2, C3, C4, C5>>;

  std::tuple<wrapped_conv<C2, Width, 1>, wrapped_conv<C3, Width, 1>, wrapped_conv<C4, Width, 1>, wrapped_conv<C5, Width, 1>> inner_blocks;
  std::array<wrapped_conv<Width, Width, 3>, 4> layer_blocks;
  DCS_MEMBERS(inner_blocks, layer_blocks)

  template <class Maps>
  constexpr auto operator()(const Maps& c) const {
    const auto m5 = eval(std::get<3>(inner_blocks)(std::get<3>(c)));
    const auto m4 = eval(std::get<2>(inner_blocks)(std::get<2>(c)) + resize_nearest_like(m5, std::get<2>(c)));
    const auto m3 = eval(std::get<1>(inner_blocks)(std::get<1>(c)) + resize_nearest_like(m4, std::get<1>(c)));
    const auto m2 = eval(std::get<0>(inner_blocks)(std::get<0>(c)) + resize_nearest_like(m3, std::get<0>(c)));
    const auto p5 = eval(layer_blocks[3](m5));
    return std::tuple(eval(layer_blocks[0](m2)), eval(layer_blocks[1](m3)), eval(layer_blocks[2](m4)), p5, max_pool2d<1, 2, 0>(p5));
  }
};

}  // namespace dcs::models::fpn

namespace dcs {
template <int Width, int C2, int C3, int C4, int C5>
using fpn = models::fpn::pyramid<Width, C2, C3, C4, C5>;
}  // namespace dcs

#include <dcs/core/header_end.inl>
