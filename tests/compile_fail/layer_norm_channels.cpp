// expect: dcs::layer_norm: gamma and beta must have the extent of the input's last axis
// expect: layer_norm_mismatch<dcs::found_extent<32>, dcs::expected_extent<64>, dcs::axis<2>
#include <dcs/ops/layer_norm/layer_norm.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<1, 5, 64>> x;
  const dcs::tensor<float, dcs::shape<32>> y;
  const dcs::tensor<float, dcs::shape<32>> z;
  dcs::layer_norm(x, y, z);
}
