// expect: dcs::resize_bilinear: height and width are static and at least 1
// expect: resize_size_mismatch<dcs::found_extent<0>, dcs::expected_extent<1>, dcs::axis<1>
#include <dcs/ops/resize/resize.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<1, 4, 4, 8>> x;
  dcs::resize_bilinear<dcs::corners::aligned, 0, 4>(x);
}
