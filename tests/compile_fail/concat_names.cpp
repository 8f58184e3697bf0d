// expect: dcs::concat: the sum of the named extents along the axis is beyond what a type can say
#include <dcs/ops/rearrange/rearrange.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<dcs::dyn<"small_lesions">, 4>> x;
  const dcs::tensor<float, dcs::shape<dcs::dyn<"large_lesions">, 4>> y;
  dcs::concat<0>(x, y);
}
