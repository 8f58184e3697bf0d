// expect: dcs::reshape: the new shape must keep the number of elements
// expect: reshape_mismatch<dcs::found_extent<4096>, dcs::expected_extent<4160>, dcs::axis<0>
#include <dcs/ops/rearrange/rearrange.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<dcs::dyn<"batch">, 64, 65>> x;
  dcs::reshape<dcs::shape<dcs::dyn<"batch">, 4096>>(x);
}
