// expect: dcs::transpose: the operand must have at least two axes
// expect: transpose_rank_mismatch<dcs::found_extent<1>, dcs::expected_extent<2>, dcs::axis<0>
#include <dcs/ops/matmul/matmul.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<3>> x;
  eval(dcs::transpose(x));
}
