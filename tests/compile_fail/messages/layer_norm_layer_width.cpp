// expect: dcs::layer_norm: gamma and beta must have the extent
// expect: found_extent<128>
// expect: expected_extent<64>
#include <dcs/dcs.hpp>
using namespace dcs;

int main() {
  const nn::layer_norm<128> norm;
  const tensor<float, shape<dyn<"n">, 49, 64>> tokens;
  (void)norm(tokens);  // here
}
