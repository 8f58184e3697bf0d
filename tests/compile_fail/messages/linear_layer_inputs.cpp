// expect: dcs::linear: the last axis of the input must have the extent
// expect: found_extent<64>
// expect: expected_extent<128>
#include <dcs/dcs.hpp>
using namespace dcs;

int main() {
  const nn::linear<128, 10> classify;
  const tensor<float, shape<dyn<"n">, 64>> features;
  (void)classify(features);  // here
}
