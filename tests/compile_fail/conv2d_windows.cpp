// expect: dcs::conv2d: a chain of windows over a named extent is beyond what its type can say
#include <dcs/ops/conv2d/conv2d.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<1, dcs::dyn<"h">, 8, 1>> x;
  const dcs::tensor<float, dcs::shape<1, 1, 1, 1>> w;
  eval(dcs::conv2d<128, 0>(dcs::conv2d<128, 0>(x, w), w));
}
