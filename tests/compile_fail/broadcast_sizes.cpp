// expect: dcs::broadcast: extents of the two operands must be equal, or one of them 1
// expect: broadcast_mismatch<dcs::found_extent<5>, dcs::expected_extent<4>, dcs::axis<1>
#include <dcs/expr/pointwise.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<2, 4>> x;
  const dcs::tensor<float, dcs::shape<2, 5>> y;
  eval(x + y);
}
