// expect: dcs::matmul: leading axes of both operands must be equal
// expect: matmul_batch_mismatch<dcs::found_extent<3>, dcs::expected_extent<2>, dcs::axis<0>
#include <dcs/ops/matmul/matmul.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<2, 3, 4>> x;
  const dcs::tensor<float, dcs::shape<3, 4, 6>> y;
  eval(dcs::matmul(x, y));
}
