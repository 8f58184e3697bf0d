// expect: dcs::pool: padding must be at most half the window
// expect: found_extent<2>
// expect: expected_extent<1>
#include <dcs/dcs.hpp>
using namespace dcs;

int main() {
  const tensor<float, shape<dyn<"n">, 32, 32, 16>> x;
  (void)max_pool2d<3, 2, 2>(x);  // here
}
