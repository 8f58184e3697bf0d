// expect: dcs::slice: begin + length must not exceed the extent of the axis
// expect: slice_mismatch<dcs::found_extent<7>, dcs::expected_extent<6>, dcs::axis<1>
#include <dcs/ops/rearrange/rearrange.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<2, 6>> x;
  eval(dcs::slice<1, 4, 3>(x));
}
