// expect: dcs::dropout: the operand must have at least two axes
#include <dcs/ops/dropout/dropout.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<2>> x;
  dcs::dropout(x, 0.5, {});
}
