// expect: dcs::conv2d: the channels of the input (axis 3) must be those the weight expects
// expect: conv2d_channel_mismatch<dcs::found_extent<128>, dcs::expected_extent<256>, dcs::axis<3>
#include <dcs/models/dcsnet/msfa.hpp>

int main() {
  const dcs::models::dcsnet::refinement<256> stage;
  stage(dcs::tensor<float, dcs::shape<dcs::dyn<"roi">, 64, 64, 128>>());
}
