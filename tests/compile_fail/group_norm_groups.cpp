// expect: dcs::group_norm: the groups must divide the channels (the last axis); remainder
// expect: group_norm_remainder<dcs::found_extent<2>, dcs::expected_extent<0>, dcs::axis<3>
#include <dcs/ops/group_norm/group_norm.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<1, 5, 5, 6>> x;
  const dcs::tensor<float, dcs::shape<6>> p;
  dcs::group_norm<4>(x, p, p);  // here
}
