// expect: dcs::weighted_sum: every map must have the extents of the first
// expect: weighted_sum_map_mismatch<dcs::found_extent<8>, dcs::expected_extent<16>, dcs::axis<3>
#include <dcs/ops/weighted_sum/weighted_sum.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<1, 8, 8, 2>> x;
  const dcs::tensor<float, dcs::shape<1, 8, 8, 16>> y;
  const dcs::tensor<float, dcs::shape<1, 8, 8, 8>> z;
  dcs::weighted_sum(x, y, z);
}
