// expect: dcs::conv2d: stride, dilation and groups are at least 1
#include <dcs/ops/conv2d/conv2d.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<1, 16, 16, 8>> x;
  const dcs::tensor<float, dcs::shape<3, 3, 8, 4>> y;
  eval(dcs::conv2d<0, 1>(x, y));
}
