// expect: dcs::broadcast: extents of the two operands must be equal, or one of them 1
// expect: broadcast_mismatch<dcs::found_extent<9>, dcs::expected_extent<8>, dcs::axis<2>
#include <dcs/loss/segmentation.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<1, 8, 8, 1>> probability;
  const dcs::tensor<float, dcs::shape<1, 8, 9, 1>> target;
  (void)dcs::loss::dice(probability, target);
}
