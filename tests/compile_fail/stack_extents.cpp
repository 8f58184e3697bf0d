// expect: dcs::stack: the operands must be equal along every axis
// expect: stack_mismatch<dcs::found_extent<5>, dcs::expected_extent<3>, dcs::axis<1>
#include <dcs/ops/rearrange/axes.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<2, 3, 4>> x;
  const dcs::tensor<float, dcs::shape<2, 5, 4>> y;
  dcs::stack<0>(x, y);
}
