// expect: dcs::conv_transpose2d: the channels of the input (axis 3) must be divisible by the number of groups; remainder
// expect: conv_transpose2d_group_mismatch<dcs::found_extent<1>, dcs::expected_extent<0>, dcs::axis<3>
#include <dcs/ops/conv_transpose2d/conv_transpose2d.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<1, 16, 16, 9>> x;
  const dcs::tensor<float, dcs::shape<3, 3, 4, 9>> w;
  eval(dcs::conv_transpose2d<2, 1, 1, 2>(x, w));
}
