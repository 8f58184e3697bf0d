// expect: dcs: a member with parameters is missing from DCS_MEMBERS, and would be neither counted nor saved nor trained
// expect: member_left_out<network, std::tuple<layer, layer>, dcs::detail::position<6>
#include <dcs/nn/layers.hpp>

struct layer : dcs::nn::linear<4, 4> {};
struct base {};

// What is counted by the compiler is compared too. Positions are those of initialisers: the base comes first, and each element of a C array counts.
struct network : base {
  layer first;
  int sizes[4] = {};
  std::tuple<layer, layer> more;
  DCS_MEMBERS_AS((first, "0"))
};
static_assert(dcs::parameters<network> > 0);

int main() {}
