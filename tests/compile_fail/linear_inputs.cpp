// expect: dcs::linear: the last axis of the input must have the extent of the weight
// expect: linear_mismatch<dcs::found_extent<64>, dcs::expected_extent<32>, dcs::axis<1>
#include <dcs/ops/linear/linear.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<7, 64>> x;
  const dcs::tensor<float, dcs::shape<32, 8>> y;
  dcs::linear(x, y);
}
