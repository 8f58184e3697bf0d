// expect: the channels of the input must be those the weight expects (its last axis)
// expect: conv_transpose3d_channel_mismatch<dcs::found_extent<6>, dcs::expected_extent<8>, dcs::axis<4>
#include <dcs/ops/conv_transpose3d/conv_transpose3d.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<1, 4, 4, 4, 6>> x;
  const dcs::tensor<float, dcs::shape<2, 2, 2, 4, 8>> w;
  dcs::conv_transpose3d<2>(x, w);
}
