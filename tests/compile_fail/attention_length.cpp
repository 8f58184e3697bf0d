// expect: dcs::attention: k and v must have the same number of tokens (axis 2)
// expect: attention_length_mismatch<dcs::found_extent<8>, dcs::expected_extent<7>, dcs::axis<2>
#include <dcs/ops/attention/attention.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<1, 2, 5, 32>> x;
  const dcs::tensor<float, dcs::shape<1, 2, 7, 32>> y;
  const dcs::tensor<float, dcs::shape<1, 2, 8, 32>> z;
  dcs::attention(x, y, z, 1.0);
}
