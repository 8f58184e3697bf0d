// expect: dcs::flip: an axis may be named once
// expect: flip_twice<dcs::found_extent<2>, dcs::expected_extent<1>, dcs::axis<1>
#include <dcs/ops/rearrange/order.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<2, 3, 4>> x;
  dcs::flip<1, -2>(x);
}
