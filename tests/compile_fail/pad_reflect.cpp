// expect: dcs::pad: a reflection must be shorter than the axis
// expect: pad_reflect_mismatch<dcs::found_extent<3>, dcs::expected_extent<2>, dcs::axis<1>
#include <dcs/ops/pad/pad.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<2, 3, 4>> x;
  dcs::pad<1, 1, 3, dcs::pad_mode::reflect>(x);
}
