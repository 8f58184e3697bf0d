// expect: dcs::slice: begin + length must not exceed the extent of the axis
// expect: found_extent<5>
// expect: expected_extent<4>
#include <dcs/dcs.hpp>
using namespace dcs;

int main() {
  const tensor<float, shape<dyn<"n">, 32, 32, 4>> logits;
  const auto w = softmax<channel>(logits);
  (void)eval(slice<channel, 4>(w) * slice<channel, 0>(w));  // here
}
