// A whole network in small whose backbone has every kind of layer that ResNet has, with the batches and numbers of its steps: for tests that compare
// a device with the host.
#pragma once

#include "tiny.hpp"

namespace user {

/// A small network with the parts of ResNet: frozen and trained norms, pooling, blocks with and without a shortcut's convolution.
struct small_backbone {
  static constexpr std::array<int, 4> channels{8, 8, 12, 16};
  dcs::models::resnet::plain_conv<3, 8, 7, 2> stem;
  dcs::nn::frozen_batch_norm<8> norm;
  dcs::models::resnet::basic_block<8, 8, 1, dcs::nn::frozen_batch_norm> block2;
  dcs::models::resnet::basic_block<8, 8, 2, dcs::nn::batch_norm> block3;
  dcs::models::resnet::basic_block<8, 12, 2, dcs::nn::batch_norm> block4;
  dcs::nn::conv2d<12, 16, 2, 2, 0> down5;
  DCS_MEMBERS(stem, norm, block2, block3, block4, down5)

  template <dcs::operand X>
  constexpr auto operator()(const X& images) const {
    const auto c2 = block2(dcs::max_pool2d<3, 2, 1>(dcs::eval(dcs::relu(norm(stem(images))))));
    const auto c3 = block3(c2);
    const auto c4 = block4(c3);
    return std::tuple(c2, c3, c4, dcs::eval(dcs::relu(down5(c4))));
  }
};

using small_net = dcs::dcsnet<small_backbone, dcs::models::dcsnet::dghc<32>, dcs::models::dcsnet::msfa<1, 2>, 8>;

/// Discs `first` to `first + count - 1`.
inline dcs::batch images(std::int64_t count, std::int64_t first = 0) {
  const discs data;
  std::vector<dcs::sample> samples;
  for (std::int64_t i = 0; i < count; ++i) samples.push_back(data.load(first + i));
  return dcs::make_batch(samples, {});
}
/// Few proposals and regions.
inline dcs::models::dcsnet::options options() {
  dcs::models::dcsnet::options o;
  o.detector.rpn.after_nms_training = 40, o.detector.rpn.sampler.size = 32, o.detector.box.sampler.size = 16;
  o.regions.most = 2;
  return o;
}
}  // namespace user
