// expect: dcs::conv3d, dcs::conv1d: the stride must be at least 1
// expect: conv3d_stride_mismatch<dcs::found_extent<0>, dcs::expected_extent<1>, dcs::axis<1>
#include <dcs/ops/conv1d/conv1d.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<1, 8, 4>> x;
  const dcs::tensor<float, dcs::shape<3, 4, 8>> w;
  dcs::conv1d<0>(x, w);
}
