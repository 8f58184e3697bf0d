// expect: dcs::conv2d: the channels of the input (axis 3) must be those the weight expects
// expect: conv2d_channel_mismatch<dcs::found_extent<64>, dcs::expected_extent<32>, dcs::axis<3>
#include <dcs/models/dcsnet/segmentation_head.hpp>

int main() {
  const dcs::models::dcsnet::crop_encoder<32> stage;
  stage(dcs::tensor<float, dcs::shape<dcs::dyn<"roi">, 16, 16, 64>>());
}
