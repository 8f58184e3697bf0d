// expect: dcs::stack: the operands must have the same number of axes
// expect: stack_rank_mismatch<dcs::found_extent<2>, dcs::expected_extent<3>, dcs::axis<0>
#include <dcs/ops/rearrange/axes.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<2, 3, 4>> x;
  const dcs::tensor<float, dcs::shape<2, 3>> y;
  dcs::stack<0>(x, y);
}
