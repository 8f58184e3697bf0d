// expect: dcs::conv_transpose2d: a named height or width must have been divided by the stride before
// expect: conv_transpose2d_extent_mismatch<dcs::found_extent<
// expect: 'h', 'e', 'i', 'g', 'h', 't'
// expect: dcs::axis<1>
#include <dcs/ops/conv_transpose2d/conv_transpose2d.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<1, dcs::dyn<"height">, 16, 8>> x;
  const dcs::tensor<float, dcs::shape<2, 2, 4, 8>> w;
  eval(dcs::conv_transpose2d<2>(x, w));
}
