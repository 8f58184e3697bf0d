// expect: operands of a pointwise expression must have one element type
#include <dcs/expr/pointwise.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<4>> x;
  const dcs::tensor<double, dcs::shape<4>> y;
  eval(x + y);
}
