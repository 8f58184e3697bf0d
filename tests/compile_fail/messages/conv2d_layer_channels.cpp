// expect: dcs::conv2d: the channels of the input (axis 3) must be those the weight expects
// expect: found_extent<64>
// expect: expected_extent<32>
#include <dcs/dcs.hpp>
using namespace dcs;

struct block {
  nn::conv2d<32, 64, 3> conv1, conv2;
  nn::batch_norm<64> norm;
  DCS_MEMBERS(conv1, conv2, norm)
  auto operator()(auto const& x) const {
    const auto y = eval(relu(norm(conv1(x))));
    return eval(relu(norm(conv2(y))));  // here
  }
};

int main() { (void)block()(tensor<float, shape<dyn<"n">, 16, 16, 32>>()); }
