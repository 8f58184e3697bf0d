// expect: dcs::batch_norm: gamma, beta, mean and variance must have one value per channel
// expect: found_extent<32>
// expect: expected_extent<64>
#include <dcs/dcs.hpp>
using namespace dcs;

int main() {
  const nn::conv2d<3, 64, 3> conv;
  const nn::batch_norm<32> norm;
  const var<float, shape<dyn<"n">, 32, 32, 3>> x;
  (void)eval(relu(norm(conv(x))));  // here
}
