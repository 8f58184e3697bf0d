// expect: dcs::conv2d: the stride must be at least 1
// expect: found_extent<0>
// expect: expected_extent<1>
#include <dcs/dcs.hpp>
using namespace dcs;

int main() {
  const nn::conv2d<32, 64, 3, 0> conv;
  (void)eval(conv(tensor<float, shape<1, 32, 32, 32>>()));  // here
}
