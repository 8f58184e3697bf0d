// expect: dcs::conv2d: the channels of the input (axis 3) must be those the weight expects
// expect: conv2d_channel_mismatch<dcs::found_extent<768>, dcs::expected_extent<1024>, dcs::axis<3>
#include <dcs/models/dcsnet/msfa.hpp>

int main() {
  const dcs::models::dcsnet::gate_logits<256, 4> gate;
  const dcs::tensor<float, dcs::shape<dcs::dyn<"roi">, 64, 64, 256>> level;
  gate(level, level, level);
}
