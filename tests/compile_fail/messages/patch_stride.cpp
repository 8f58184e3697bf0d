// expect: dcs::reshape: the new shape must keep the number of elements
// expect: found_extent<100352>
// expect: expected_extent<86528>
#include <dcs/dcs.hpp>
using namespace dcs;

int main() {
  const nn::conv2d<3, 512, 16, 17, 0> patches;  // patches of 16 pixels, a stride of 17
  const tensor<float, shape<1, 224, 224, 3>> image;
  const auto maps = eval(patches(image));
  (void)reshape<shape<1, 196, 512>>(maps);  // here
}
