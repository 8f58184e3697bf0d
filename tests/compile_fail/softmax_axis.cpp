// expect: dcs::softmax: no such axis
#include <dcs/ops/softmax/softmax.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<3, 4>> x;
  eval(dcs::softmax<2>(x));
}
