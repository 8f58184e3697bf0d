// expect: dcs::tensor: no such axis
// expect: tensor_axis_mismatch<dcs::found_extent<2>, dcs::expected_extent<3>, dcs::axis<2>
#include <dcs/core/tensor.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<2, 3>> x;
  (void)x.size_of<2>();
}
