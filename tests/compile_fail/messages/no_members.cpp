// expect: a member of a network must be a parameter, a buffer, or a struct with DCS_MEMBERS
#include <dcs/dcs.hpp>
using namespace dcs;

struct block {
  nn::conv2d<8, 8, 3> conv;
  auto operator()(auto const& x) const { return conv(x); }
};
struct network {
  block first;
  DCS_MEMBERS(first)
};

int main() {
  network net;
  initialize(net, 1);  // here
}
