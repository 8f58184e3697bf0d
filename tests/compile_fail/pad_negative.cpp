// expect: dcs::pad: the numbers of elements must be at least 0; slice cuts off
#include <dcs/ops/pad/pad.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<2, 3, 4>> x;
  dcs::pad<1, -1, 0>(x);
}
