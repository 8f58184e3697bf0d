// expect: dcs::shape: the product of the extents must be at most 2^60
#include <dcs/ops/conv2d/conv2d.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<1, 8, 8, 4>> x;
  const dcs::tensor<float, dcs::shape<1, 1, 4, 4>> w;
  dcs::conv2d<1, 1073741824>(x, w);
}
