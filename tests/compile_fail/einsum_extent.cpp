// expect: dcs::einsum: a letter of both operands must stand for one extent
// expect: einsum_mismatch<dcs::found_extent<6>, dcs::expected_extent<4>, dcs::axis_letter<'c'>
#include <dcs/ops/einsum/einsum.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<2, 3, 4>> x;
  const dcs::tensor<float, dcs::shape<5, 6>> w;
  dcs::einsum<"nlc,mc->nlm">(x, w);
}
