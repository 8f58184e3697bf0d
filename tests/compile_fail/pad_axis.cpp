// expect: dcs::pad: no such axis
// expect: pad_axis_mismatch<dcs::found_extent<3>, dcs::expected_extent<4>, dcs::axis<3>
#include <dcs/ops/pad/pad.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<2, 3, 4>> x;
  dcs::pad<3, 1, 1>(x);
}
