// expect: dcs::layer_norm: the extent of the last axis is static and at least 1
#include <dcs/ops/layer_norm/layer_norm.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<7, 0>> x;
  const dcs::tensor<float, dcs::shape<0>> p;
  dcs::layer_norm(x, p, p);
}
