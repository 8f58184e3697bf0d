// expect: dcs::batch_norm: the number of channels (the last axis) is static and at least 1
#include <dcs/ops/batch_norm/batch_norm.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<2, 4, 4, 0>> x;
  const dcs::tensor<float, dcs::shape<0>> p;
  dcs::batch_norm_inference(x, p, p, p, p);
}
