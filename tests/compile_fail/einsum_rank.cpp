// expect: dcs::einsum: an operand must have as many axes as letters
// expect: einsum_rank_mismatch<dcs::found_extent<2>, dcs::expected_extent<3>, dcs::einsum_operand<1>
#include <dcs/ops/einsum/einsum.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<2, 3, 4>> x;
  const dcs::tensor<float, dcs::shape<5, 6>> w;
  dcs::einsum<"nlc,nmc->nlm">(x, w);
}
