// expect: dcs::concat: the extents along the axis must be static
#include <dcs/ops/rearrange/rearrange.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<dcs::dyn<"n">, 4>> x;
  const dcs::tensor<float, dcs::shape<dcs::dyn<"n">, 4>> y;
  dcs::concat<0>(x, y);
}
