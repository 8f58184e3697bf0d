// expect: dcs::conv2d: the channels of the input (axis 3) must be those the weight expects
// expect: found_extent<64>
// expect: expected_extent<32>
#include <dcs/dcs.hpp>
using namespace dcs;

struct network {
  nn::conv2d<3, 64, 3> first;
  nn::conv2d<32, 8, 3> second;
  DCS_MEMBERS(first, second)
  auto operator()(auto const& x) const {
    const auto y = eval(relu(first(x)));
    return eval(second(y));  // here
  }
};

int main() {
  using images = shape<dyn<"n">, 16, 16, 3>;
  const network net;
  (void)net(var<float, images>());  // a training step and an inference: one mistake, one message
  (void)net(tensor<float, images>());
}
