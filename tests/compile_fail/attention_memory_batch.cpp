// expect: dcs::matmul: leading axes of both operands must be equal
#include <dcs/nn/transformer.hpp>

int main() {
  dcs::nn::multi_head_attention<32, 4> attention;
  attention(dcs::tensor<float, dcs::shape<2, 4, 32>>(), dcs::tensor<float, dcs::shape<3, 7, 32>>());
}
