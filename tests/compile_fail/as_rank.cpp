// expect: dcs::as: the new shape must have the rank of the old one
// expect: as_rank_mismatch<dcs::found_extent<1>, dcs::expected_extent<2>, dcs::axis<0>
#include <dcs/core/tensor.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<2, 3>> x;
  (void)dcs::as<dcs::shape<6>>(x);
}
