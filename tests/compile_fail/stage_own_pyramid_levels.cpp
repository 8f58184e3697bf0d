// expect: dcs::faster_rcnn: a pyramid gives the five levels P2 to P6; number of levels
// expect: pyramid_level_count_mismatch<dcs::found_extent<4>, dcs::expected_extent<5>, dcs::axis<0>
#include <dcs/detect/faster_rcnn.hpp>
#include <dcs/models/dcsnet/stages.hpp>

#include "backbone.hpp"

// The backbone's maps as they are, without P6.
template <int Width>
struct no_pyramid {
  dcs::parameter<dcs::shape<Width>, dcs::init::ones> scale;
  DCS_MEMBERS(scale)
  template <class Maps>
  constexpr auto operator()(const Maps& maps) const {
    return maps;
  }
};
struct without_p6 : dcs::models::dcsnet::stages {
  template <int Width, int, int, int, int>
  using pyramid = no_pyramid<Width>;
};
int main() { dcs::faster_rcnn<backbone, 8, without_p6> detector; }
