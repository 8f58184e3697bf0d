// expect: dcs::squeeze: no such axis
// expect: squeeze_axis_mismatch<dcs::found_extent<3>, dcs::expected_extent<4>, dcs::axis<3>
#include <dcs/ops/rearrange/axes.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<2, 3, 4>> x;
  dcs::squeeze<3>(x);
}
