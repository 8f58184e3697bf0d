// expect: dcs::conv2d: the channels of the input
// expect: conv2d_channel_mismatch<dcs::found_extent<128>, dcs::expected_extent<256>, dcs::axis<3>
#include <dcs/detect/rpn.hpp>

int main() {
  const dcs::rpn_head<256> head;
  head(dcs::tensor<float, dcs::shape<1, 8, 8, 128>>());
}
