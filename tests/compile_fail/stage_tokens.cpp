// expect: dcs::linear: the last axis of the input must have the extent of the weight
// expect: linear_mismatch<dcs::found_extent<128>, dcs::expected_extent<256>, dcs::axis<2>
#include <dcs/nn/transformer.hpp>

int main() {
  dcs::nn::transformer_encoder_layer<256, 8, 1024> layer;
  layer(dcs::tensor<float, dcs::shape<1, 256, 128>>());
}
