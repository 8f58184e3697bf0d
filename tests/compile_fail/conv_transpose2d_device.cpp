// expect: operands of an op must lie on one device
// expect: dcs::cuda::emulated
#include <dcs/kernels.cuh>
#include <dcs/ops/conv_transpose2d/conv_transpose2d.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<1, 8, 8, 32>, dcs::cuda::emulated> x;
  const dcs::tensor<float, dcs::shape<2, 2, 16, 32>> weight;
  dcs::conv_transpose2d<2>(x, weight);
}
