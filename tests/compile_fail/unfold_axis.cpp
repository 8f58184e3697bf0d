// expect: dcs::unfold: windows slide along an axis between the first and the last; axis
// expect: unfold_axis_mismatch<dcs::found_extent<3>, dcs::expected_extent<2>, dcs::axis<3>
#include <dcs/ops/unfold/unfold.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<1, 4, 4, 8>> x;
  dcs::unfold<3, 3>(x);
}
