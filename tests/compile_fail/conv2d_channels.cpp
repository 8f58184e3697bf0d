// expect: dcs::conv2d: the channels of the input (axis 3) must be those the weight expects
// expect: conv2d_channel_mismatch<dcs::found_extent<64>, dcs::expected_extent<32>, dcs::axis<3>
#include <dcs/ops/conv2d/conv2d.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<dcs::dyn<"n">, 16, 16, 64>> x;
  const dcs::tensor<float, dcs::shape<3, 3, 32, 8>> w;
  eval(dcs::conv2d<1, 1>(x, w));
}
