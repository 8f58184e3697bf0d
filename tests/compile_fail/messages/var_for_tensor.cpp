// expect: a var where a tensor is needed
// expect: try: x.value()
#include <dcs/dcs.hpp>
using namespace dcs;

double area(const tensor<float, shape<8, 4>>& t) { return t.data()[0]; }

int main() {
  const auto x = var<float, shape<8, 4>>::leaf(tensor<float, shape<8, 4>>::full(1));
  return area(x) > 0;  // here
}
