// expect: dcs::attention: q, k and v must have the same head depth (axis 3)
// expect: attention_depth_mismatch<dcs::found_extent<16>, dcs::expected_extent<32>, dcs::axis<3>
#include <dcs/ops/attention/attention.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<1, 2, 5, 32>> x;
  const dcs::tensor<float, dcs::shape<1, 2, 7, 16>> y;
  const dcs::tensor<float, dcs::shape<1, 2, 7, 16>> z;
  dcs::attention(x, y, z, 1.0);
}
