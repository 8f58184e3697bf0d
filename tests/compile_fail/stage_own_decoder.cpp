// expect: dcs::segmentation_head: the decoder gives a map of the skip's shape
// expect: decode_mismatch<dcs::found_extent<8>, dcs::expected_extent<16>, dcs::axis<1>
// expect: decode_mismatch<dcs::found_extent<8>, dcs::expected_extent<16>, dcs::axis<2>
#include <dcs/models/dcsnet/segmentation_head.hpp>

// Stays on the deeper level's side.
template <int D>
struct deeper_alone {
  dcs::nn::conv2d<D, D, 1> conv;
  DCS_MEMBERS(conv)
  template <dcs::operand X, dcs::operand Y>
  constexpr auto operator()(const X&, const Y& deeper) const {
    return conv(deeper);
  }
};
struct stages : dcs::models::dcsnet::stages {
  template <int D>
  using decode = deeper_alone<D>;
};
int main() { dcs::models::dcsnet::segmentation_head<32, 32, dcs::models::dcsnet::mean_fusion, stages> head; }
