// expect: dcs::conv_transpose2d: the weight's extents are static and at least 1
#include <dcs/ops/conv_transpose2d/conv_transpose2d.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<1, 16, 16, 8>> x;
  const dcs::tensor<float, dcs::shape<2, 2, 0, 8>> w;
  eval(dcs::conv_transpose2d<2>(x, w));
}
