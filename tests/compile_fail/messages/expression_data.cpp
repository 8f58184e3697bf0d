// expect: an expression has no memory
// expect: try: eval
#include <dcs/dcs.hpp>
using namespace dcs;

int main() {
  const auto a = tensor<float, shape<8, 4>>::full(1), b = tensor<float, shape<8, 4>>::full(2);
  const auto y = a + b;
  y.data()[0] = 1;  // here
}
