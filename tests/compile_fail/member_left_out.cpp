// expect: dcs: a member with parameters is missing from DCS_MEMBERS, and would be neither counted nor saved nor trained
// expect: try: add it to DCS_MEMBERS
// expect: member_left_out<network, head, dcs::detail::position<3>
#include <dcs/nn/layers.hpp>

struct head : dcs::nn::linear<8, 2> {};

struct network {
  double dropout = 0.2;
  std::array<double, 8> weights{};
  dcs::nn::linear<4, 8> first;
  head last;
  DCS_MEMBERS(first)
};

int main() {
  network n;
  dcs::initialize(n, 1);
}
