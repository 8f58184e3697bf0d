// expect: operands of an op must lie on one device
// expect: dcs::cuda::emulated
#include <dcs/kernels.cuh>
#include <dcs/ops/conv2d/conv2d.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<1, 8, 8, 32>, dcs::cuda::emulated> x;
  const dcs::tensor<float, dcs::shape<3, 3, 32, 16>> weight;
  conv2d<1, 1>(x, weight);
}
