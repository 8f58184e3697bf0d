// expect: dcs::matmul: both operands must have the same number of axes
// expect: matmul_rank_mismatch<dcs::found_extent<3>, dcs::expected_extent<2>, dcs::axis<0>
#include <dcs/ops/matmul/matmul.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<3, 4>> x;
  const dcs::tensor<float, dcs::shape<2, 4, 6>> y;
  eval(dcs::matmul(x, y));
}
