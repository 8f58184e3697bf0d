// expect: dcs::pad: the padded extent is beyond what its type can say
#include <dcs/ops/pad/pad.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<2, dcs::dyn<"h">, 4>> x;
  dcs::pad<1, 1500, 1500>(x);
}
