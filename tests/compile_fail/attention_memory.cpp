// expect: dcs::linear: the last axis of the input must have the extent of the weight's rows (axis 0)
// expect: linear_mismatch<dcs::found_extent<16>, dcs::expected_extent<32>, dcs::axis<2>
#include <dcs/nn/transformer.hpp>

int main() {
  dcs::nn::transformer_decoder_layer<32, 4, 64> layer;
  layer(dcs::tensor<float, dcs::shape<1, 4, 32>>(), dcs::tensor<float, dcs::shape<1, 7, 16>>());
}
