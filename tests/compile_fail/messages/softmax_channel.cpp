// expect: dcs::softmax: no such axis
// expect: found_extent<2>
// expect: expected_extent<4>
#include <dcs/dcs.hpp>
using namespace dcs;

int main() {
  const tensor<float, shape<dyn<"n">, 10>> logits;
  (void)eval(softmax<channel>(logits));  // here
}
