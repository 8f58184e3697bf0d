// expect: dcs::weighted_sum: the logits must have one channel (axis 3) for each map
// expect: weighted_sum_mismatch<dcs::found_extent<3>, dcs::expected_extent<2>, dcs::axis<3>
#include <dcs/ops/weighted_sum/weighted_sum.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<1, 8, 8, 3>> x;
  const dcs::tensor<float, dcs::shape<1, 8, 8, 16>> y;
  const dcs::tensor<float, dcs::shape<1, 8, 8, 16>> z;
  dcs::weighted_sum(x, y, z);
}
