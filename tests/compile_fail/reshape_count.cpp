// expect: dcs::reshape: the new shape must keep the number of elements
// expect: reshape_mismatch<dcs::found_extent<25>, dcs::expected_extent<24>, dcs::axis<0>
#include <dcs/ops/rearrange/rearrange.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<2, 3, 4>> x;
  dcs::reshape<dcs::shape<5, 5>>(x);
}
