// expect: dcs::squeeze: an axis may be named once
// expect: squeeze_twice<dcs::found_extent<2>, dcs::expected_extent<1>, dcs::axis<1>
#include <dcs/ops/rearrange/axes.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<2, 1, 4>> x;
  dcs::squeeze<1, -2>(x);
}
