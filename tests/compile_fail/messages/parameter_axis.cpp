// expect: dcs::broadcast: extents of the two operands must be equal
// expect: found_extent<49>
// expect: expected_extent<64>
#include <dcs/dcs.hpp>
using namespace dcs;

struct position {
  parameter<shape<49>> table;  // one number for each token; the last axis is the channels
  DCS_MEMBERS(table)
  auto operator()(auto const& tokens) const { return eval(tokens + table.as(tokens)); }  // here
};

int main() { (void)position()(tensor<float, shape<2, 49, 64>>()); }
