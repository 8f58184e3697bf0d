// expect: dcs::reshape: the static extents of the new shape must divide the number of elements
// expect: reshape_remainder<dcs::found_extent<1>, dcs::expected_extent<0>, dcs::axis<0>
#include <dcs/ops/rearrange/rearrange.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<dcs::dyn<"batch">, 4, 4>> x;
  dcs::reshape<dcs::shape<dcs::dyn<"batch">, dcs::dyn<"tokens">, 3>>(x);
}
