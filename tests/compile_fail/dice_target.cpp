// expect: dcs::loss: predictions and target must have the same shape
// expect: loss_target_mismatch<dcs::found_extent<9>, dcs::expected_extent<8>, dcs::axis<2>
#include <dcs/loss/segmentation.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<1, 8, 8, 1>> probability;
  const dcs::tensor<float, dcs::shape<1, 8, 9, 1>> target;
  (void)dcs::loss::dice(probability, target);
}
