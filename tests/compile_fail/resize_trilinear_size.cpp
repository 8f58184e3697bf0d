// expect: depth, height and width are static and at least 1; resize_trilinear_like takes them from a map
// expect: resize_trilinear_size_mismatch<dcs::found_extent<0>, dcs::expected_extent<1>, dcs::axis<2>
#include <dcs/ops/resize/resize.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<1, 4, 4, 4, 8>> x;
  dcs::resize_trilinear<dcs::corners::aligned, 2, 0, 2>(x);
}
