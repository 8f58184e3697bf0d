// expect: dcs::layer_norm: the residual must have the shape of the input
// expect: layer_norm_residual_mismatch<dcs::found_extent<6>, dcs::expected_extent<5>, dcs::axis<1>
#include <dcs/ops/layer_norm/layer_norm.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<1, 5, 64>> x;
  const dcs::tensor<float, dcs::shape<1, 6, 64>> y;
  const dcs::tensor<float, dcs::shape<64>> z;
  const dcs::tensor<float, dcs::shape<64>> u;
  dcs::layer_norm(x, y, z, u);
}
