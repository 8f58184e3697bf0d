// expect: dcs::tensor: no such axis
#include <dcs/core/tensor.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<2, 3>> x;
  (void)x.size_of<2>();
}
