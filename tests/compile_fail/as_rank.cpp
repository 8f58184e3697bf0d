// expect: dcs::as: the new shape must have the rank of the old one
#include <dcs/core/tensor.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<2, 3>> x;
  (void)dcs::as<dcs::shape<6>>(x);
}
