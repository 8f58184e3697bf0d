// expect: a named extent must have been divided by the stride before, as depth/2 for stride 2
// expect: conv_transpose3d_extent_mismatch<dcs::found_extent<
// expect: 'd', 'e', 'p', 't', 'h'
// expect: dcs::axis<1>
#include <dcs/ops/conv_transpose3d/conv_transpose3d.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<1, dcs::dyn<"depth">, 16, 16, 8>> x;
  const dcs::tensor<float, dcs::shape<2, 2, 2, 4, 8>> w;
  dcs::conv_transpose3d<2>(x, w);
}
