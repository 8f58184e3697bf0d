// expect: dcs::conv1d: the input must have the three axes N,L,C; number of axes
// expect: conv1d_rank_mismatch<dcs::found_extent<2>, dcs::expected_extent<3>, dcs::axis<0>
#include <dcs/ops/conv1d/conv1d.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<8, 4>> x;
  const dcs::tensor<float, dcs::shape<3, 4, 8>> w;
  dcs::conv1d<1, 1>(x, w);
}
