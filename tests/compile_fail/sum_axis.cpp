// expect: dcs::sum: no such axis
// expect: sum_axis_mismatch<dcs::found_extent<2>, dcs::expected_extent<3>, dcs::axis<2>
#include <dcs/ops/reduce/reduce.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<2, 3>> x;
  dcs::sum<2>(x);
}
