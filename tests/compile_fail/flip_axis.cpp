// expect: dcs::flip: no such axis
// expect: flip_axis_mismatch<dcs::found_extent<3>, dcs::expected_extent<4>, dcs::axis<3>
#include <dcs/ops/rearrange/order.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<2, 3, 4>> x;
  dcs::flip<0, 3>(x);
}
