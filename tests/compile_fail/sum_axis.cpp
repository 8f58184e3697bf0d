// expect: dcs::sum: no such axis
#include <dcs/ops/reduce/reduce.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<2, 3>> x;
  dcs::sum<2>(x);
}
