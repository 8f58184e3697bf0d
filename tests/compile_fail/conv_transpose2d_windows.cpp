// expect: dcs::conv_transpose2d: a chain of windows over a named extent is beyond what its type can say
#include <dcs/ops/conv_transpose2d/conv_transpose2d.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<1, dcs::dyn<"height_of_the_image">, 16, 8>> x;
  const dcs::tensor<float, dcs::shape<2, 2, 4, 8>> w;
  eval(dcs::conv_transpose2d<2>(x, w));
}
