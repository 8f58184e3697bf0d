// expect: dcs::attention: q, k and v must have the same batch and heads
// expect: attention_batch_mismatch<dcs::found_extent<
// expect: 'm'
#include <dcs/ops/attention/attention.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<dcs::dyn<"n">, 2, 4, 8>> q;
  const dcs::tensor<float, dcs::shape<dcs::dyn<"m">, 2, 4, 8>> v;
  dcs::attention(q, q, v, 1.0);
}
