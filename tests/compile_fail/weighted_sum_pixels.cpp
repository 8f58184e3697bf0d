// expect: dcs::weighted_sum: logits and maps must have the same batch, height and width
// expect: weighted_sum_pixel_mismatch<dcs::found_extent<1>, dcs::expected_extent<3>, dcs::axis<0>
#include <dcs/ops/weighted_sum/weighted_sum.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<1, 8, 8, 2>> x;
  const dcs::tensor<float, dcs::shape<3, 8, 8, 16>> y;
  dcs::weighted_sum(x, y, y);
}
