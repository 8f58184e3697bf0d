// expect: the output padding must not be negative and must be less than the stride
// expect: conv_transpose3d_output_padding_mismatch<dcs::found_extent<2>, dcs::expected_extent<1>, dcs::axis<1>
#include <dcs/ops/conv_transpose1d/conv_transpose1d.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<1, 4, 8>> x;
  const dcs::tensor<float, dcs::shape<3, 4, 8>> w;
  dcs::conv_transpose1d<2, 1, 2>(x, w);
}
