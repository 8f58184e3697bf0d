// expect: dcs::faster_rcnn: a backbone gives the four maps C2 to C5; number of maps
// expect: backbone_map_count_mismatch<dcs::found_extent<3>, dcs::expected_extent<4>, dcs::axis<0>
#include <dcs/detect/faster_rcnn.hpp>
#include <dcs/models/dcsnet/stages.hpp>

#include "backbone.hpp"

struct shallow : backbone {
  template <dcs::operand X>
  constexpr auto operator()(const X& images) const {
    const auto [c2, c3, c4, c5] = backbone::operator()(images);
    return std::tuple(c2, c3, c4);
  }
};
int main() { dcs::faster_rcnn<shallow, 32, dcs::models::dcsnet::stages> detector; }
