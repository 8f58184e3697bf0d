// expect: dcs::conv2d: the input must have the four axes N,H,W,C
// expect: found_extent<3>
// expect: expected_extent<4>
#include <dcs/dcs.hpp>
using namespace dcs;

int main() {
  const nn::conv2d<3, 64, 3> conv;
  const tensor<float, shape<224, 224, 3>> image;  // the batch is missing
  (void)eval(conv(image));                        // here
}
