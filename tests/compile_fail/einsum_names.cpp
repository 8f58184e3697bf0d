// expect: dcs::einsum: a letter of both operands must stand for one extent
// expect: einsum_mismatch
// expect: 'b', 'o', 'x'
// expect: 'r', 'o', 'i'
// expect: dcs::axis_letter<'c'>
#include <dcs/ops/einsum/einsum.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<2, dcs::dyn<"roi">>> x;
  const dcs::tensor<float, dcs::shape<3, dcs::dyn<"box">>> w;
  dcs::einsum<"nc,mc->nm">(x, w);
}
