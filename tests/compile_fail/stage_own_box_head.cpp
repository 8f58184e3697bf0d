// expect: dcs::faster_rcnn: the box head gives two scores of each box (axis 1)
// expect: box_score_mismatch<dcs::found_extent<3>, dcs::expected_extent<2>, dcs::axis<1>
// expect: dcs::faster_rcnn: the box head gives eight deltas of each box (axis 1)
// expect: box_delta_mismatch<dcs::found_extent<12>, dcs::expected_extent<8>, dcs::axis<1>
#include <dcs/detect/faster_rcnn.hpp>
#include <dcs/models/dcsnet/stages.hpp>

#include "backbone.hpp"

// Two classes beside the background.
template <int Width>
struct two_classes {
  static constexpr int side = 7;
  dcs::nn::linear<Width, 3> scores;
  dcs::nn::linear<Width, 12> deltas;
  DCS_MEMBERS(scores, deltas)
  template <dcs::operand X>
  constexpr auto operator()(const X& pooled) const {
    const auto x = dcs::reshape<dcs::shape<dcs::extent_of<dcs::shape_t<X>, 0>, Width>>(dcs::global_avg_pool(pooled));
    return dcs::box_predictions{scores(x), deltas(x)};
  }
};
struct stages : dcs::models::dcsnet::stages {
  template <int Width>
  using box = two_classes<Width>;
};
int main() { dcs::faster_rcnn<backbone, 32, stages> detector; }
