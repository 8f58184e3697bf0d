// expect: dcs::einsum: a letter of the result must be one of an operand
// expect: einsum_unknown_letter<dcs::found_extent<0>, dcs::expected_extent<1>, dcs::axis_letter<'m'>
#include <dcs/ops/einsum/einsum.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<2, 3, 4>> x;
  dcs::einsum<"nlc->nm">(x);
}
