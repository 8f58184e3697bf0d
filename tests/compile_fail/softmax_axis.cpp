// expect: dcs::softmax: no such axis
// expect: softmax_axis_mismatch<dcs::found_extent<2>, dcs::expected_extent<3>, dcs::axis<2>
#include <dcs/ops/softmax/softmax.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<3, 4>> x;
  eval(dcs::softmax<2>(x));
}
