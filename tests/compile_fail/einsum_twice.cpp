// expect: dcs::einsum: a letter may occur once in each operand and once in the result
// expect: einsum_letter_twice<dcs::found_extent<2>, dcs::expected_extent<1>, dcs::axis_letter<'c'>
#include <dcs/ops/einsum/einsum.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<2, 3, 4>> x;
  dcs::einsum<"ncc->nc">(x);
}
