// expect: operands of an op must lie on one device
// expect: cuda::emulated
#include <dcs/dcs.hpp>
#include <dcs/kernels.cuh>
using namespace dcs;

int main() {
  const nn::linear<64, 10> classify;
  const tensor<float, shape<2, 64>> x;
  const tensor<float, shape<2, 10>, cuda::emulated> target;
  (void)mean_all(square(classify(x) - target));  // here
}
