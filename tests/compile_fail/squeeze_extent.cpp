// expect: dcs::squeeze: the extent of a removed axis must be 1
// expect: squeeze_mismatch<dcs::found_extent<3>, dcs::expected_extent<1>, dcs::axis<1>
#include <dcs/ops/rearrange/axes.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<2, 3, 4>> x;
  dcs::squeeze<-2>(x);
}
