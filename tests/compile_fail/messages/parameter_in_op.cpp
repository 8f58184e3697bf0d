// expect: a parameter in an expression
// expect: try: parameter.as(x)
#include <dcs/dcs.hpp>
using namespace dcs;

struct head {
  parameter<shape<64, 10>> weight;
  DCS_MEMBERS(weight)
  auto operator()(auto const& x) const { return dcs::linear(x, weight); }  // here
};

int main() { (void)head()(tensor<float, shape<2, 64>>()); }
