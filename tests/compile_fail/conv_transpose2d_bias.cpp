// expect: dcs::conv_transpose2d: the bias must have one value per output channel (axis 3)
// expect: conv_transpose2d_bias_mismatch<dcs::found_extent<8>, dcs::expected_extent<4>, dcs::axis<3>
#include <dcs/ops/conv_transpose2d/conv_transpose2d.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<1, 16, 16, 8>> x;
  const dcs::tensor<float, dcs::shape<2, 2, 2, 8>> w;
  const dcs::tensor<float, dcs::shape<8>> b;
  eval(dcs::conv_transpose2d<2, 0, 0, 2>(x, w, b));
}
