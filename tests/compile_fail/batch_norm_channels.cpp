// expect: dcs::batch_norm: gamma, beta, mean and variance must have one value per channel
// expect: batch_norm_mismatch<dcs::found_extent<16>, dcs::expected_extent<8>, dcs::axis<3>
#include <dcs/ops/batch_norm/batch_norm.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<1, 4, 4, 8>> x;
  const dcs::tensor<float, dcs::shape<16>> y;
  const dcs::tensor<float, dcs::shape<16>> z;
  const dcs::tensor<float, dcs::shape<16>> u;
  const dcs::tensor<float, dcs::shape<16>> v;
  eval(dcs::batch_norm_inference(x, y, z, u, v));
}
