// expect: dcs::slice: the extent of the axis must be static
#include <dcs/ops/rearrange/rearrange.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<dcs::dyn<"n">, 6>> x;
  eval(dcs::slice<0, 0, 1>(x));
}
