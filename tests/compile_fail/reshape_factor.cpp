// expect: dcs::reshape: the new shape must keep the number of elements
// expect: reshape_mismatch<dcs::found_extent<20>, dcs::expected_extent<24>, dcs::axis<0>
#include <dcs/ops/rearrange/rearrange.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<dcs::dyn<"w">, dcs::times(dcs::dyn<"batch">, 4), 6>> x;
  dcs::reshape<dcs::shape<dcs::dyn<"batch">, 4, dcs::dyn<"w">, 5>>(x);
}
