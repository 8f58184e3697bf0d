// expect: dcs::stack: no such axis in the result
// expect: stack_axis_mismatch<dcs::found_extent<4>, dcs::expected_extent<5>, dcs::axis<4>
#include <dcs/ops/rearrange/axes.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<2, 3, 4>> x;
  dcs::stack<4>(x, x);
}
