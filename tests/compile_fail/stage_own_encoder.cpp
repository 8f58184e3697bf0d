// expect: dcs::segmentation_head: the encoder of a crop keeps its shape
// expect: encode_mismatch<dcs::found_extent<16>, dcs::expected_extent<32>, dcs::axis<3>
#include <dcs/models/dcsnet/segmentation_head.hpp>

// Halves the channels.
template <int D>
struct narrowing {
  dcs::nn::conv2d<D, D / 2, 3> conv;
  DCS_MEMBERS(conv)
  template <dcs::operand X>
  constexpr auto operator()(const X& crop) const {
    return conv(crop);
  }
};
struct stages : dcs::models::dcsnet::stages {
  template <int D>
  using encode = narrowing<D>;
};
int main() { dcs::models::dcsnet::segmentation_head<32, 32, dcs::models::dcsnet::mean_fusion, stages> head; }
