// expect: dcs::permute: every axis of the operand must be named once
// expect: permute_twice<dcs::found_extent<2>, dcs::expected_extent<1>, dcs::axis<1>
#include <dcs/ops/rearrange/rearrange.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<2, 3, 4>> x;
  dcs::permute<0, 1, 1>(x);
}
