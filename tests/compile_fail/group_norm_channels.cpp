// expect: dcs::group_norm: gamma and beta must have one value per channel (the last axis)
// expect: group_norm_mismatch<dcs::found_extent<3>, dcs::expected_extent<6>, dcs::axis<3>
#include <dcs/ops/group_norm/group_norm.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<1, 5, 5, 6>> x;
  const dcs::tensor<float, dcs::shape<3>> p;
  dcs::group_norm<2>(x, p, p);  // here
}
