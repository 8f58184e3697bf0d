// expect: dcs::faster_rcnn: the RPN head gives one objectness for each anchor of a place, 3 (axis 3)
// expect: rpn_objectness_mismatch<dcs::found_extent<6>, dcs::expected_extent<3>, dcs::axis<3>
// expect: dcs::faster_rcnn: the RPN head gives four deltas for each anchor of a place, 12 (axis 3)
// expect: rpn_delta_mismatch<dcs::found_extent<24>, dcs::expected_extent<12>, dcs::axis<3>
#include <dcs/detect/faster_rcnn.hpp>
#include <dcs/models/dcsnet/stages.hpp>

#include "backbone.hpp"

// Six anchors a place.
template <int Width>
struct six_anchors {
  dcs::nn::conv2d<Width, 6, 1> objectness;
  dcs::nn::conv2d<Width, 24, 1> deltas;
  DCS_MEMBERS(objectness, deltas)
  template <dcs::operand X>
  constexpr auto operator()(const X& level) const {
    return dcs::rpn_level{eval(objectness(level)), eval(deltas(level))};
  }
};
struct stages : dcs::models::dcsnet::stages {
  template <int Width>
  using rpn = six_anchors<Width>;
};
int main() { dcs::faster_rcnn<backbone, 32, stages> detector; }
