// expect: dcs::dropout: the operand must have at least two axes
// expect: dropout_rank_mismatch<dcs::found_extent<1>, dcs::expected_extent<2>, dcs::axis<0>
#include <dcs/ops/dropout/dropout.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<2>> x;
  dcs::dropout(x, 0.5, {});
}
