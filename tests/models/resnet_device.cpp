// The network that the programs train from scratch, ResNet-18 and all, on a device: a training step in double on cuda::emulated against the host's.
#include "device_step.hpp"

using namespace device_step;

TEST_CASE("a training step of DCSNet on ResNet-18 is the host's on the device: losses, every gradient, every moved value") {
  using net_type = dcsnet<resnet<18, nn::batch_norm>, dghc<32>, msfa<2, 4>, 32>;
  emulated::options().check = false;  // the kernels' own tests look at every access
  const auto host = network<net_type, cpu_device>(), there = network<net_type, emulated>();
  const auto wanted = step<cpu_device>(*host);
  check_equal(step<emulated>(*there), wanted);
}
