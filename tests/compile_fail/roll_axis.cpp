// expect: dcs::roll: no such axis
// expect: roll_axis_mismatch<dcs::found_extent<3>, dcs::expected_extent<4>, dcs::axis<-4>
#include <dcs/ops/rearrange/order.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<2, 3, 4>> x;
  dcs::roll<-4>(x, 1);
}
