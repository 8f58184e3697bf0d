// expect: dcs::transpose: the operand must have at least two axes
#include <dcs/ops/matmul/matmul.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<3>> x;
  eval(dcs::transpose(x));
}
