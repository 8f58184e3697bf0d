// expect: dcs::batch_norm
// expect: batch_norm_mismatch<dcs::found_extent<4>, dcs::expected_extent<8>, dcs::axis<3>
#include <dcs/ops/batch_norm/batch_norm.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<1, 4, 4, 8>> x;
  const dcs::tensor<float, dcs::shape<8>> y;
  const dcs::tensor<float, dcs::shape<8>> z;
  const dcs::tensor<float, dcs::shape<4>> u;
  const dcs::tensor<float, dcs::shape<8>> v;
  eval(dcs::batch_norm_training(x, y, z, u, v));
}
