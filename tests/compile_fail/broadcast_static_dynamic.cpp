// expect: dcs::broadcast
// expect: broadcast_mismatch<dcs::found_extent<8>
// expect: 'r', 'o', 'i'
#include <dcs/expr/pointwise.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<dcs::dyn<"roi">, 4>> x;
  const dcs::tensor<float, dcs::shape<8, 4>> y;
  eval(x - y);
}
