// expect: dcs::channel_dropout: the operand must have at least two axes
// expect: channel_dropout_rank_mismatch<dcs::found_extent<1>, dcs::expected_extent<2>, dcs::axis<0>
#include <dcs/ops/dropout/dropout.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<2>> x;
  dcs::channel_dropout(x, 0.5, {});
}
