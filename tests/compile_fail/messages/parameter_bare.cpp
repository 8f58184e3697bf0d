// expect: a parameter in an expression
// expect: try: parameter.as(x)
#include <dcs/dcs.hpp>
using namespace dcs;

struct scale {
  parameter<shape<64>, init::ones> gain;
  DCS_MEMBERS(gain)
  auto operator()(auto const& x) const { return eval(x * gain); }  // here
};

int main() { (void)scale()(tensor<float, shape<2, 64>>()); }
