// expect: dcs::pad: the extent of an axis that is reflected or replicated must be static
#include <dcs/ops/pad/pad.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<2, dcs::dyn<"h">, 4>> x;
  dcs::pad<1, 1, 1, dcs::pad_mode::replicate>(x);
}
