// expect: dcs::conv2d: the input must have the four axes N,H,W,C
// expect: conv2d_rank_mismatch<dcs::found_extent<3>, dcs::expected_extent<4>, dcs::axis<0>
#include <dcs/ops/conv2d/conv2d.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<16, 16, 8>> x;
  const dcs::tensor<float, dcs::shape<3, 3, 8, 8>> y;
  eval(dcs::conv2d<1, 1>(x, y));
}
