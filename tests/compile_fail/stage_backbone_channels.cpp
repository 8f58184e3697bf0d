// expect: dcs::faster_rcnn: the maps of a backbone have strides 4, 8, 16 and 32 (axes 1 and 2) and its channels (axis 3)
// expect: backbone_mismatch<dcs::found_extent<8>, dcs::expected_extent<64>, dcs::axis<3>
#include <dcs/detect/faster_rcnn.hpp>
#include <dcs/models/dcsnet/stages.hpp>

#include "backbone.hpp"

struct wrong : backbone {
  static constexpr std::array<int, 4> channels{8, 8, 8, 64};
};
int main() { dcs::faster_rcnn<wrong, 32, dcs::models::dcsnet::stages> detector; }
