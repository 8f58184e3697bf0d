// expect: the weight's output channels (axis 3) must be divisible by the number of groups
// expect: conv2d_group_mismatch<dcs::found_extent<1>, dcs::expected_extent<0>, dcs::axis<3>
#include <dcs/ops/conv2d/conv2d.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<1, 16, 16, 8>> x;
  const dcs::tensor<float, dcs::shape<3, 3, 4, 9>> y;
  eval(dcs::conv2d<1, 1, 1, 2>(x, y));
}
