// expect: dcs::pad: a named extent can be padded by at most 128 elements in all
#include <dcs/ops/pad/pad.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<2, dcs::dyn<"h">, 4>> x;
  dcs::pad<1, 100, 100>(x);
}
