// expect: an expression has no elements until it is evaluated
// expect: try: eval
#include <dcs/dcs.hpp>
using namespace dcs;

int main() {
  const auto x = tensor<float, shape<8, 4>>::full(1);
  const float first = softmax<1>(x)(0, 0);  // here
  return first > 0;
}
