// expect: dcs::concat: the operands must be equal along every other axis
// expect: concat_mismatch<dcs::found_extent<5>, dcs::expected_extent<3>, dcs::axis<1>
#include <dcs/ops/rearrange/rearrange.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<2, 3, 4>> x;
  const dcs::tensor<float, dcs::shape<2, 5, 4>> y;
  dcs::concat<2>(x, y);
}
