// expect: dcs::conv2d: the bias must have one value per output channel (axis 3)
// expect: conv2d_bias_mismatch<dcs::found_extent<8>, dcs::expected_extent<4>, dcs::axis<3>
#include <dcs/ops/conv2d/conv2d.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<1, 16, 16, 8>> x;
  const dcs::tensor<float, dcs::shape<3, 3, 8, 4>> y;
  const dcs::tensor<float, dcs::shape<8>> z;
  eval(dcs::conv2d<1, 1>(x, y, z));
}
