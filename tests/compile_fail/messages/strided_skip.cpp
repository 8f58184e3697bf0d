// expect: dcs::broadcast: extents of the two operands must be equal
// expect: found_extent<32>
// expect: expected_extent<16>
#include <dcs/dcs.hpp>
using namespace dcs;

struct block {
  nn::conv2d<64, 64, 3, 2> conv;
  DCS_MEMBERS(conv)
  auto operator()(auto const& x) const { return eval(relu(conv(x) + x)); }  // here
};

int main() { (void)block()(tensor<float, shape<dyn<"n">, 32, 32, 64>>()); }
