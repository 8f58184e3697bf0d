// expect: dcs::resize: the factor must be at least 1
// expect: resize_factor_mismatch<dcs::found_extent<0>, dcs::expected_extent<1>, dcs::axis<1>
#include <dcs/ops/resize/resize.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<1, dcs::dyn<"height">, 16, 8>> x;
  dcs::resize_nearest_by<0>(x);
}
