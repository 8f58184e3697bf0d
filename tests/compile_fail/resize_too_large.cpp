// expect: dcs::shape: the product of the extents must be at most 2^60
#include <dcs/ops/resize/resize.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<1, 8, 8, 4>> x;
  dcs::resize_bilinear<dcs::corners::aligned, 2147483648, 2147483648>(x);
}
