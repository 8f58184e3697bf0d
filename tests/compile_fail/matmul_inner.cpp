// expect: dcs::matmul: the columns of the left operand must be the rows of the right one
// expect: matmul_inner_mismatch<dcs::found_extent<5>, dcs::expected_extent<4>, dcs::axis<2>
#include <dcs/ops/matmul/matmul.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<2, 3, 4>> x;
  const dcs::tensor<float, dcs::shape<2, 5, 6>> y;
  eval(dcs::matmul(x, y));
}
