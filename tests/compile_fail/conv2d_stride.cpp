// expect: dcs::conv2d: the stride must be at least 1
// expect: conv2d_stride_mismatch<dcs::found_extent<0>, dcs::expected_extent<1>, dcs::axis<1>
#include <dcs/ops/conv2d/conv2d.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<1, 16, 16, 8>> x;
  const dcs::tensor<float, dcs::shape<3, 3, 8, 4>> y;
  eval(dcs::conv2d<0, 1>(x, y));
}
