// expect: DCS_MEMBERS
#include <dcs/dcs.hpp>
using namespace dcs;

struct network {
  nn::conv2d<8, 8, 3> conv;
  auto operator()(auto const& x) const { return conv(x); }
};

int main() {
  network net;
  initialize(net, 1);  // here
}
