// expect: dcs::conv_transpose2d: the stride must be at least 1
// expect: conv_transpose2d_stride_mismatch<dcs::found_extent<0>, dcs::expected_extent<1>, dcs::axis<1>
#include <dcs/ops/conv_transpose2d/conv_transpose2d.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<1, 16, 16, 8>> x;
  const dcs::tensor<float, dcs::shape<2, 2, 4, 8>> w;
  eval(dcs::conv_transpose2d<0>(x, w));
}
