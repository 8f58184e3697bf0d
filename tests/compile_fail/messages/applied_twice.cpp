// expect: dcs::softmax: no such axis
// expect: found_extent<2>
#include <dcs/dcs.hpp>
using namespace dcs;

int main() {
  const tensor<float, shape<dyn<"n">, 10>> logits, others;
  (void)eval(softmax<channel>(logits));  // here
  (void)eval(softmax<channel>(others));  // one mistake, made twice, is told once
}
