// expect: an expression where a tensor is needed
// expect: try: eval
#include <dcs/dcs.hpp>
using namespace dcs;

float first(const tensor<float, shape<8, 4>>& t) { return t.data()[0]; }

int main() {
  const auto a = tensor<float, shape<8, 4>>::full(1), b = tensor<float, shape<8, 4>>::full(2);
  (void)first(a + b);  // here
}
