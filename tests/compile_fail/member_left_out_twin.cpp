// expect: dcs: a member with parameters is missing from DCS_MEMBERS, and would be neither counted nor saved nor trained
// expect: member_left_out<network, layer, dcs::detail::position<2>
#include <dcs/nn/layers.hpp>

struct layer : dcs::nn::linear<4, 4> {};

// Three members of one type, and two in the list: the position is that of the last of them.
struct network {
  layer first, second, third;
  DCS_MEMBERS(first, third)
};

int main() {
  const network n;
  dcs::for_each_parameter(n, [](const std::string&, const dcs::parameter_base&) {});
}
