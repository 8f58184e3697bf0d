// ResNet (He et al. 2016) as a backbone: four feature maps at strides 4, 8, 16, 32. The stride of a bottleneck is on its 3 × 3 convolution, as in
// torchvision, whose names the members have. With frozen norms (for ImageNet weights) the stem convolution is not trained either.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/detect/stages.hpp>
#include <dcs/nn/layers.hpp>
#include <dcs/ops/pool/pool.hpp>

DCS_EXACT_MATH
namespace dcs::models::resnet {

template <int In, int Out, int K, int Stride>
using plain_conv = nn::conv2d<In, Out, K, Stride, (K - 1) / 2, 1, false, init::he_normal<K * K * Out>>;

struct no_downsample {
  template <class Visit>
  constexpr void members(Visit&&) const {}
  template <operand X>
  constexpr const X& operator()(const X& x) const {
    return x;
  }
};

template <int In, int Out, int Stride, template <int> class Norm>
struct downsample {
  plain_conv<In, Out, 1, Stride> conv;
  Norm<Out> norm;
  DCS_MEMBERS_AS((conv, "0"), (norm, "1"))
  template <operand X>
  constexpr auto operator()(const X& x) const {
    return norm(conv(x));
  }
};

template <int In, int Out, int Stride, template <int> class Norm>
using shortcut = std::conditional_t<In == Out && Stride == 1, no_downsample, downsample<In, Out, Stride, Norm>>;

/// Two 3 × 3 convolutions and a shortcut: the block of ResNet-18 and -34.
template <int In, int Width, int Stride, template <int> class Norm>
struct basic_block {
  static constexpr int expansion = 1;
  plain_conv<In, Width, 3, Stride> conv1;
  Norm<Width> bn1;
  plain_conv<Width, Width, 3, 1> conv2;
  Norm<Width> bn2;
  shortcut<In, Width, Stride, Norm> downsample;
  DCS_MEMBERS(conv1, bn1, conv2, bn2, downsample)

  template <operand X>
  constexpr auto operator()(const X& x) const {
    const auto y = eval(relu(bn1(conv1(x))));
    return eval(relu(bn2(conv2(y)) + downsample(x)));
  }
};

/// 1 × 1, 3 × 3, 1 × 1 with four times the width at the end: the block of ResNet-50 and -101.
template <int In, int Width, int Stride, template <int> class Norm>
struct bottleneck {
  static constexpr int expansion = 4;
  plain_conv<In, Width, 1, 1> conv1;
  Norm<Width> bn1;
  plain_conv<Width, Width, 3, Stride> conv2;
  Norm<Width> bn2;
  plain_conv<Width, 4 * Width, 1, 1> conv3;
  Norm<4 * Width> bn3;
  shortcut<In, 4 * Width, Stride, Norm> downsample;
  DCS_MEMBERS(conv1, bn1, conv2, bn2, conv3, bn3, downsample)

  template <operand X>
  constexpr auto operator()(const X& x) const {
    const auto y = eval(relu(bn1(conv1(x))));
    const auto z = eval(relu(bn2(conv2(y))));
    return eval(relu(bn3(conv3(z)) + downsample(x)));
  }
};

template <int Depth>
struct plan_of;
template <>
struct plan_of<18> {
  static constexpr int blocks[] = {2, 2, 2, 2}, expansion = 1;
  template <int In, int Width, int Stride, template <int> class Norm>
  using block = basic_block<In, Width, Stride, Norm>;
};
template <>
struct plan_of<34> : plan_of<18> {
  static constexpr int blocks[] = {3, 4, 6, 3};
};
template <>
struct plan_of<50> {
  static constexpr int blocks[] = {3, 4, 6, 3}, expansion = 4;
  template <int In, int Width, int Stride, template <int> class Norm>
  using block = bottleneck<In, Width, Stride, Norm>;
};
template <>
struct plan_of<101> : plan_of<50> {
  static constexpr int blocks[] = {3, 4, 23, 3};
};

// A stage: a first block that may change channels and size, then equal ones.
template <class Plan, int In, int Width, int Stride, int Count, template <int> class Norm>
struct stage {
  static constexpr int out = Width * Plan::expansion;
  typename Plan::template block<In, Width, Stride, Norm> first;
  std::array<typename Plan::template block<out, Width, 1, Norm>, static_cast<std::size_t>(Count - 1)> rest;

  template <class Visit>
  constexpr void members(Visit&& visit) {
    walk(*this, visit);
  }
  template <class Visit>
  constexpr void members(Visit&& visit) const {
    walk(*this, visit);
  }
  template <operand X>
  constexpr auto operator()(const X& x) const {
    auto y = first(x);
    for (const auto& block : rest) y = block(y);
    return y;
  }

 private:
  template <class Self, class Visit>
  static constexpr void walk(Self& self, Visit& visit) {
    constexpr const char* number[] = {"0",  "1",  "2",  "3",  "4",  "5",  "6",  "7",  "8",  "9",  "10", "11",
                                      "12", "13", "14", "15", "16", "17", "18", "19", "20", "21", "22"};
    visit(number[0], self.first);
    for (std::size_t i = 0; i < self.rest.size(); ++i) visit(number[i + 1], self.rest[i]);
  }
};

/// ResNet of depth 18, 34, 50 or 101 without its classifier. Norm: nn::frozen_batch_norm (with ImageNet weights) or nn::batch_norm (from scratch).
/// Call: shape<N, H, W, 3> to a tuple of maps C2 to C5.
template <int Depth, template <int> class Norm = nn::frozen_batch_norm>
struct network {
  using tested_stage = tested<network, backbone_role>;
  using plan = plan_of<Depth>;
  static constexpr int e = plan::expansion;
  /// Channels of C2 to C5.
  static constexpr std::array<int, 4> channels{64 * e, 128 * e, 256 * e, 512 * e};
  static constexpr bool frozen = std::is_same_v<Norm<1>, nn::frozen_batch_norm<1>>;

  plain_conv<3, 64, 7, 2> conv1;
  Norm<64> bn1;
  stage<plan, 64, 64, 1, plan::blocks[0], Norm> layer1;
  stage<plan, 64 * e, 128, 2, plan::blocks[1], Norm> layer2;
  stage<plan, 128 * e, 256, 2, plan::blocks[2], Norm> layer3;
  stage<plan, 256 * e, 512, 2, plan::blocks[3], Norm> layer4;
  DCS_MEMBERS(conv1, bn1, layer1, layer2, layer3, layer4)

  constexpr network() { conv1.weight.set_trained(!frozen); }

  template <operand X>
  constexpr auto operator()(const X& x) const {
    const auto stem = max_pool2d<3, 2, 1>(eval(relu(bn1(conv1(x)))));
    const auto c2 = layer1(stem);
    const auto c3 = layer2(c2);
    const auto c4 = layer3(c3);
    return std::tuple(c2, c3, c4, layer4(c4));
  }
};

}  // namespace dcs::models::resnet

namespace dcs {
template <int Depth, template <int> class Norm = nn::frozen_batch_norm>
using resnet = models::resnet::network<Depth, Norm>;
}  // namespace dcs

#include <dcs/core/header_end.inl>
