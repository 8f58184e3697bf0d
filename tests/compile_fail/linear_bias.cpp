// expect: dcs::linear: the bias must have the extent of the weight
// expect: linear_bias_mismatch<dcs::found_extent<9>, dcs::expected_extent<8>, dcs::axis<1>
#include <dcs/ops/linear/linear.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<7, 32>> x;
  const dcs::tensor<float, dcs::shape<32, 8>> y;
  const dcs::tensor<float, dcs::shape<9>> z;
  dcs::linear(x, y, z);
}
