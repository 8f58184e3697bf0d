// expect: operands of an op must lie on one device
// expect: dcs::cuda::emulated>
#include <dcs/expr/pointwise.hpp>
#include <dcs/kernels.cuh>

int main() {
  const dcs::tensor<float, dcs::shape<4>> x;
  const dcs::tensor<float, dcs::shape<4>, dcs::cuda::emulated> y;
  eval(x + y);
}
