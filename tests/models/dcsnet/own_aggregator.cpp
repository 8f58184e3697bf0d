// A whole network with a user's backbone and aggregator.
#include "own_stages.hpp"

namespace user {

/// An aggregator that mixes tokens by one linear layer and keeps the strongest level of each pixel.
struct strongest_level {
  template <int D, int Levels>
  struct stage {
    dcs::nn::layer_norm<D> norm;
    dcs::nn::linear<D, D> mix;
    dcs::nn::conv2d<D, D, 3, 1, 1, D> smooth;
    dcs::parameter<dcs::shape<D>, dcs::init::ones> strength;
    DCS_MEMBERS(norm, mix, smooth, strength)

    template <dcs::operand X>
    constexpr auto attend(const X& tokens) const {
      return norm(mix(tokens), tokens);
    }
    template <dcs::operand X>
    constexpr auto refine(const X& map) const {
      return dcs::eval(dcs::relu(smooth(map)) + map);
    }
    template <dcs::operand X>
    constexpr auto fuse(const X& d5, const X& d4, const X& d3, const X& d2) const {
      return dcs::eval(dcs::maximum(dcs::maximum(d5, d4), dcs::maximum(d3, d2)) * strength.as(d2));
    }
  };
};

}  // namespace user

using own_aggregator = dcs::dcsnet<user::strided_backbone, dcs::models::dcsnet::dghc<32>, user::strongest_level, width>;
static_assert(dcs::detection_backbone<user::strided_backbone>);
static_assert(dcs::models::dcsnet::feature_aggregator<user::strongest_level>);
static_assert(dcs::parameters<own_aggregator> == dcs::parameters<plain_net> + 2 * width + (width + 1) * width + (9 + 1) * width + width);

TEST_CASE("a network with a user's backbone and aggregator trains") {
  train<own_aggregator>({"detector.backbone.body.", "head.norm.", "head.mix.", "head.smooth.", "head.strength"});
}
