// expect: dcs::conv_transpose2d: the channels of the input (axis 3) must be those the weight expects (its last axis)
// expect: conv_transpose2d_channel_mismatch<dcs::found_extent<32>, dcs::expected_extent<64>, dcs::axis<3>
#include <dcs/ops/conv_transpose2d/conv_transpose2d.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<1, 16, 16, 32>> x;
  const dcs::tensor<float, dcs::shape<2, 2, 16, 64>> w;
  eval(dcs::conv_transpose2d<2>(x, w));
}
