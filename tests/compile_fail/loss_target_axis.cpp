// expect: dcs::loss: predictions and target must have the same shape
// expect: loss_target_mismatch<dcs::found_extent<1>, dcs::expected_extent<64>, dcs::axis<1>
#include <dcs/loss/segmentation.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<2, 64, 64, 1>> probability;
  const dcs::tensor<float, dcs::shape<2, 1, 64, 1>> target;
  dcs::loss::binary_cross_entropy(probability, target);
}
