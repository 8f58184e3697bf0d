// expect: dcs::reshape: the new shape must keep the number of elements
// expect: found_extent<1960>
// expect: expected_extent<1568>
#include <dcs/dcs.hpp>
using namespace dcs;

int main() {
  const tensor<float, shape<1, 49, 32>> tokens;
  (void)permute<0, 2, 1, 3>(reshape<shape<1, 49, 8, 5>>(tokens));  // here
}
