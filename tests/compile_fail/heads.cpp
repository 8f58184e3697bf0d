// expect: the channels must be divisible by the heads
#include <dcs/nn/transformer.hpp>

int main() {
  dcs::nn::multi_head_attention<32, 5> a;
  a(dcs::tensor<float, dcs::shape<1, 4, 32>>());
}
