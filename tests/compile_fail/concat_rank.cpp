// expect: dcs::concat: the operands must have the same number of axes
// expect: concat_rank_mismatch<dcs::found_extent<2>, dcs::expected_extent<3>, dcs::axis<0>
#include <dcs/ops/rearrange/rearrange.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<2, 3, 4>> x;
  const dcs::tensor<float, dcs::shape<2, 3>> y;
  dcs::concat<0>(x, y);
}
