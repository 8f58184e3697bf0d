// expect: dcs: a stage of a network gives a value with too many or too few axes; number of axes
// expect: stage_rank_mismatch<dcs::found_extent<2>, dcs::expected_extent<4>, dcs::axis<3>
#include <dcs/models/dcsnet/segmentation_head.hpp>

// An encoder that flattens its crop.
template <int D>
struct flattening {
  dcs::parameter<dcs::shape<D>, dcs::init::ones> scale;
  DCS_MEMBERS(scale)
  template <dcs::operand X>
  constexpr auto operator()(const X& crop) const {
    return dcs::reshape<dcs::shape<dcs::extent_of<dcs::shape_t<X>, 0>, 256 * D>>(crop);
  }
};
struct stages : dcs::models::dcsnet::stages {
  template <int D>
  using encode = flattening<D>;
};
int main() { dcs::models::dcsnet::segmentation_head<32, 32, dcs::models::dcsnet::mean_fusion, stages> head; }
