// expect: dcs::slice: no such axis
// expect: slice_axis_mismatch<dcs::found_extent<2>, dcs::expected_extent<3>, dcs::axis<-3>
#include <dcs/ops/rearrange/rearrange.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<2, 3>> x;
  (void)dcs::slice<-3, 0>(x);
}
