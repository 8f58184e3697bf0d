// expect: dcs::faster_rcnn: a level of the pyramid is as large as its map, P6 half of P5 (axes 1 and 2), and as wide as the detector (axis 3)
// expect: pyramid_mismatch<dcs::found_extent<24>, dcs::expected_extent<32>, dcs::axis<3>
#include <dcs/detect/faster_rcnn.hpp>
#include <dcs/models/dcsnet/stages.hpp>

#include "backbone.hpp"

// 24 channels where the detector has 32.
struct narrow : dcs::models::dcsnet::stages {
  template <int, int C2, int C3, int C4, int C5>
  using pyramid = dcs::fpn<24, C2, C3, C4, C5>;
};
int main() { dcs::faster_rcnn<backbone, 32, narrow> detector; }
