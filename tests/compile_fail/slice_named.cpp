// expect: dcs::slice: a named length must be the extent of the axis less a number
#include <dcs/ops/rearrange/rearrange.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<dcs::dyn<"n">, 6>> x;
  eval(dcs::slice<0, 0, dcs::dyn<"m">>(x));
}
