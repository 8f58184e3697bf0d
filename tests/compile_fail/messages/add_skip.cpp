// expect: dcs::broadcast: extents of the two operands must be equal
// expect: found_extent<64>
// expect: expected_extent<32>
// expect: try: resize_bilinear_like
#include <dcs/dcs.hpp>
using namespace dcs;

int main() {
  const tensor<float, shape<dyn<"n">, 64, 64, 128>> skip;
  const tensor<float, shape<dyn<"n">, 32, 32, 128>> x;
  (void)eval(relu(x + skip));  // here
}
