// expect: operands of a pointwise expression must have one element type
// expect: try: cast<
#include <dcs/dcs.hpp>
using namespace dcs;

int main() {
  const tensor<float, shape<2, 64>> x;
  const tensor<double, shape<2, 64>> y;
  (void)eval(relu(x + y) * 2);  // here
}
