// expect: dcs::channel_dropout: the operand must have at least two axes
#include <dcs/ops/dropout/dropout.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<2>> x;
  dcs::channel_dropout(x, 0.5, {});
}
