// expect: dcs::reshape: the new shape must keep the number of elements
// expect: reshape_mismatch<dcs::found_extent<50176>, dcs::expected_extent<25088>, dcs::axis<0>
#include <dcs/detect/box_head.hpp>

int main() {
  const dcs::box_head<256> head;
  head(dcs::tensor<float, dcs::shape<4, 7, 7, 128>>());
}
