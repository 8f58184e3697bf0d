// expect: dcs::permute: every axis of the operand must be named once
// expect: found_extent<3>
// expect: expected_extent<4>
#include <dcs/dcs.hpp>
using namespace dcs;

int main() {
  const tensor<float, shape<dyn<"n">, 64, 64, 3>> x;
  (void)permute<0, 3, 1>(x);  // here
}
