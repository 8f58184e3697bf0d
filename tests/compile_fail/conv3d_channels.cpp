// expect: the channels of the input (its last axis) must be those the weight expects
// expect: conv3d_channel_mismatch<dcs::found_extent<6>, dcs::expected_extent<4>, dcs::axis<4>
#include <dcs/ops/conv3d/conv3d.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<1, 8, 8, 8, 6>> x;
  const dcs::tensor<float, dcs::shape<3, 3, 3, 4, 8>> w;
  dcs::conv3d<1, 1>(x, w);
}
