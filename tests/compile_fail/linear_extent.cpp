// expect: dcs::linear: the weight's extents are static and at least 1
#include <dcs/ops/linear/linear.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<7, 64>> x;
  const dcs::tensor<float, dcs::shape<64, 0>> w;
  dcs::linear(x, w);
}
