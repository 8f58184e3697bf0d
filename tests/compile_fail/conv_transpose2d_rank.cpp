// expect: dcs::conv_transpose2d: the input must have the four axes N,H,W,C
// expect: conv_transpose2d_rank_mismatch<dcs::found_extent<3>, dcs::expected_extent<4>, dcs::axis<0>
#include <dcs/ops/conv_transpose2d/conv_transpose2d.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<16, 16, 8>> x;
  const dcs::tensor<float, dcs::shape<2, 2, 4, 8>> w;
  eval(dcs::conv_transpose2d<2>(x, w));
}
