// The stages of the networks that the programs train, on a device: training steps in double on cuda::emulated against the host's.
#include "device_step.hpp"

using namespace device_step;

namespace user {

/// ResNet's other block, with a shortcut's convolution where it has a stride and without.
struct bottlenecks {
  static constexpr std::array<int, 4> channels{16, 16, 24, 32};
  dcs::models::resnet::plain_conv<3, 16, 7, 2> stem;
  dcs::nn::frozen_batch_norm<16> norm;
  dcs::models::resnet::bottleneck<16, 4, 1, dcs::nn::frozen_batch_norm> block2;
  dcs::models::resnet::bottleneck<16, 4, 2, dcs::nn::batch_norm> block3;
  dcs::models::resnet::bottleneck<16, 6, 2, dcs::nn::frozen_batch_norm> block4;
  dcs::models::resnet::bottleneck<24, 8, 2, dcs::nn::batch_norm> block5;
  DCS_MEMBERS(stem, norm, block2, block3, block4, block5)

  template <dcs::operand X>
  constexpr auto operator()(const X& images) const {
    const auto c2 = block2(dcs::max_pool2d<3, 2, 1>(dcs::eval(dcs::relu(norm(stem(images))))));
    const auto c3 = block3(c2);
    const auto c4 = block4(c3);
    return std::tuple(c2, c3, c4, block5(c4));
  }
};

}  // namespace user

namespace {

template <class Net>
void compare_steps() {
  emulated::options().check = false;  // the kernels' own tests look at every access
  const auto host = network<Net, cpu_device>(), there = network<Net, emulated>();
  const auto wanted = step<cpu_device>(*host);
  check_equal(step<emulated>(*there), wanted);
}

}  // namespace

TEST_CASE("a training step of DCSNet on ResNet-18 is the host's on the device: losses, every gradient, every moved value") {
  compare_steps<dcsnet<resnet<18, nn::batch_norm>, models::dcsnet::dghc<32>, models::dcsnet::msfa<2, 4>, 32>>();
}

TEST_CASE("so is one on bottlenecks, with the paper's heads of 32 channels") {
  compare_steps<dcsnet<user::bottlenecks, models::dcsnet::dghc<32>, models::dcsnet::msfa<1, 1>, 32>>();
}
