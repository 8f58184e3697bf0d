// expect: dcs::expand: the new shape must have the axes of the operand
// expect: expand_rank_mismatch<dcs::found_extent<3>, dcs::expected_extent<2>, dcs::axis<0>
#include <dcs/ops/rearrange/axes.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<2, 3, 4>> x;
  dcs::expand<dcs::shape<3, 4>>(x);
}
