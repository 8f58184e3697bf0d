// expect: dcs::einsum: the equation must have the letters of every operand
#include <dcs/ops/einsum/einsum.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<2, 3, 4>> x;
  const dcs::tensor<float, dcs::shape<5, 6>> w;
  dcs::einsum<"nlc->nl">(x, w);
}
