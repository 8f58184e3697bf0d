// expect: dcs::multi_head_attention: the channels must be divisible by the heads
// expect: found_extent<2>
#include <dcs/dcs.hpp>
using namespace dcs;

int main() {
  const nn::transformer_encoder_layer<32, 5, 64> layer;
  (void)layer(tensor<float, shape<1, 49, 32>>());  // here
}
