// expect: dcs::conv3d: the weight must have the five axes KH,KW,KD,In/Groups,Out; number of axes
// expect: conv3d_weight_mismatch<dcs::found_extent<4>, dcs::expected_extent<5>, dcs::axis<0>
#include <dcs/ops/conv3d/conv3d.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<1, 8, 8, 8, 4>> x;
  const dcs::tensor<float, dcs::shape<3, 3, 4, 8>> w;
  dcs::conv3d<1, 1>(x, w);
}
