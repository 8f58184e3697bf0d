// expect: dcs::segmentation_head: an embedding gives one token for each patch of a crop, as wide as the crop
// expect: embed_mismatch<dcs::found_extent<32>, dcs::expected_extent<8>, dcs::axis<1>
#include <dcs/models/dcsnet/segmentation_head.hpp>

// A token for each pixel.
template <int D, int P>
struct pointwise_embedding {
  dcs::nn::conv2d<D, D, 1> conv;
  DCS_MEMBERS(conv)
  template <dcs::operand X>
  constexpr auto operator()(const X& crop) const {
    return conv(crop);
  }
};
struct stages : dcs::models::dcsnet::stages {
  template <int D, int P>
  using embed = pointwise_embedding<D, P>;
};
int main() { dcs::models::dcsnet::segmentation_head<32, 32, dcs::models::dcsnet::mean_fusion, stages> head; }
