// expect: dcs::pool: a chain of windows over a named extent is beyond what its type can say
#include <dcs/ops/pool/pool.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<1, dcs::dyn<"h">, 8, 1>> x;
  dcs::max_pool2d<128>(dcs::max_pool2d<128>(x));
}
