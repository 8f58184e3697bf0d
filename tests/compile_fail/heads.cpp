// expect: the channels must be divisible by the heads
// expect: multi_head_attention_mismatch<dcs::found_extent<2>, dcs::expected_extent<0>, dcs::axis<2>
#include <dcs/nn/transformer.hpp>

int main() {
  dcs::nn::multi_head_attention<32, 5> a;
  a(dcs::tensor<float, dcs::shape<1, 4, 32>>());
}
