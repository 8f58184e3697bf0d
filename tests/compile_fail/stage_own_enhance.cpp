// expect: dcs::segmentation_head: the enhancement of a crop keeps its shape
// expect: enhance_mismatch<dcs::found_extent<8>, dcs::expected_extent<16>, dcs::axis<1>
#include <dcs/models/dcsnet/segmentation_head.hpp>

// Halves the crop.
template <int D>
struct halving {
  dcs::nn::conv2d<D, D, 2, 2, 0> conv;
  DCS_MEMBERS(conv)
  template <dcs::operand X>
  constexpr auto operator()(const X& crop) const {
    return conv(crop);
  }
};
struct stages : dcs::models::dcsnet::stages {
  template <int D>
  using enhance = halving<D>;
};
int main() { dcs::models::dcsnet::segmentation_head<32, 32, dcs::models::dcsnet::mean_fusion, stages> head; }
