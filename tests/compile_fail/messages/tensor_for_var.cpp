// expect: dcs::backward: takes a var
// expect: try: var<T, S>::leaf(x)
#include <dcs/dcs.hpp>
using namespace dcs;

int main() {
  const auto x = tensor<float, shape<8, 4>>::full(1);
  backward(mean_all(square(x)));  // here
}
