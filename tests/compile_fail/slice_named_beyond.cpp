// expect: dcs::slice: begin + length must not exceed the extent of the axis
// expect: slice_mismatch<dcs::found_extent<-1, 'n', '+', '1'>, dcs::expected_extent<-1, 'n'>, dcs::axis<0>
#include <dcs/ops/rearrange/rearrange.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<dcs::dyn<"n">, 6>> x;
  eval(dcs::slice<0, 2, dcs::minus(dcs::dyn<"n">, 1)>(x));
}
