// expect: dcs::segmentation_head: a head of logits keeps a map's sides (axes 1 and 2) and gives one channel (axis 3)
// expect: logits_mismatch<dcs::found_extent<2>, dcs::expected_extent<1>, dcs::axis<3>
#include <dcs/models/dcsnet/segmentation_head.hpp>

// Two classes, where there is one logit.
template <int D>
struct two_classes {
  dcs::nn::conv2d<D, 2, 1> conv;
  DCS_MEMBERS(conv)
  template <dcs::operand X>
  constexpr auto operator()(const X& map) const {
    return conv(map);
  }
};
struct stages : dcs::models::dcsnet::stages {
  template <int D, int...>
  using logits = two_classes<D>;
};
int main() { dcs::models::dcsnet::segmentation_head<32, 32, dcs::models::dcsnet::mean_fusion, stages> head; }
