// expect: dcs::conv2d: the dilation must be at least 1
// expect: conv2d_dilation_mismatch<dcs::found_extent<0>, dcs::expected_extent<1>, dcs::axis<1>
#include <dcs/nn/layers.hpp>

int main() {
  const dcs::nn::dilated_conv2d<8, 4, 3, 0> layer;
  layer(dcs::tensor<float, dcs::shape<1, 16, 16, 8>>());
}
