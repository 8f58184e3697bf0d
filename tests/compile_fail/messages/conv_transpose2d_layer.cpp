// expect: dcs::conv_transpose2d: the channels of the input (axis 3) must be those the weight expects
// expect: found_extent<256>
// expect: expected_extent<512>
#include <dcs/dcs.hpp>
using namespace dcs;

int main() {
  const nn::conv_transpose2d<512, 256, 2, 2> up;
  const tensor<float, shape<dyn<"n">, 16, 16, 256>> x;
  (void)up(x);  // here
}
