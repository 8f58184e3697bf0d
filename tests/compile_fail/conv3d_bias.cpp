// expect: the bias must have one value per output channel (the last axis)
// expect: conv3d_bias_mismatch<dcs::found_extent<4>, dcs::expected_extent<8>, dcs::axis<4>
#include <dcs/ops/conv3d/conv3d.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<1, 8, 8, 8, 4>> x;
  const dcs::tensor<float, dcs::shape<3, 3, 3, 4, 8>> w;
  const dcs::tensor<float, dcs::shape<4>> b;
  dcs::conv3d<1, 1>(x, w, b);
}
