// expect: dcs::conv2d: a weight has no extent of 0
#include <dcs/ops/conv2d/conv2d.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<1, 8, 8, 0>> x;
  const dcs::tensor<float, dcs::shape<3, 3, 0, 4>> w;
  dcs::conv2d<1, 1>(x, w);
}
