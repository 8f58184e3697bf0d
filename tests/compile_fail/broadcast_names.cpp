// expect: dcs::broadcast
// expect: broadcast_mismatch
// expect: 'r', 'o', 'i'
// expect: 'b', 'a', 't', 'c', 'h'
// expect: dcs::axis<0>
#include <dcs/expr/pointwise.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<dcs::dyn<"roi">, 4>> x;
  const dcs::tensor<float, dcs::shape<dcs::dyn<"batch">, 4>> y;
  eval(x * y);
}
