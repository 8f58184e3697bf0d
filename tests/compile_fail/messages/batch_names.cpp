// expect: dcs::broadcast: extents of the two operands must be equal
// expect: try: as<shape
#include <dcs/dcs.hpp>
using namespace dcs;

int main() {
  const tensor<float, shape<dyn<"batch">, 64>> x;
  const tensor<float, shape<dyn<"n">, 64>> y;
  (void)eval(x * y);  // here
}
