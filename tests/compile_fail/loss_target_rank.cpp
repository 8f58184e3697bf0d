// expect: dcs::loss: predictions and target must have the same shape
// expect: loss_target_mismatch<dcs::found_extent<3>, dcs::expected_extent<4>, dcs::axis<0>
#include <dcs/loss/segmentation.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<2, 64, 64, 1>> probability;
  const dcs::tensor<float, dcs::shape<64, 64, 1>> target;
  dcs::loss::dice(probability, target);
}
