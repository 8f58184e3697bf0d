// expect: dcs::unsqueeze: no such axis in the result
// expect: unsqueeze_axis_mismatch<dcs::found_extent<4>, dcs::expected_extent<5>, dcs::axis<-5>
#include <dcs/ops/rearrange/axes.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<2, 3, 4>> x;
  dcs::unsqueeze<-5>(x);
}
