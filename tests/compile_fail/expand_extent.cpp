// expect: dcs::expand: only an extent of 1 repeats
// expect: expand_mismatch<dcs::found_extent<6>, dcs::expected_extent<3>, dcs::axis<2>
#include <dcs/ops/rearrange/axes.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<2, 3, 4>> x;
  dcs::expand<dcs::shape<7, 2, 6, 4>>(x);
}
