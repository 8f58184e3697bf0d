// expect: dcs::attention: q, k and v must have the same batch and heads
// expect: attention_batch_mismatch<dcs::found_extent<4>, dcs::expected_extent<2>, dcs::axis<1>
#include <dcs/ops/attention/attention.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<1, 2, 5, 32>> x;
  const dcs::tensor<float, dcs::shape<1, 4, 7, 32>> y;
  const dcs::tensor<float, dcs::shape<1, 4, 7, 32>> z;
  dcs::attention(x, y, z, 1.0);
}
