// A whole network with a user's enhancement, encoder, embedding, decoder and heads of logits.
#include "own_stages.hpp"

namespace user {

/// x · sigmoid(conv(x)), as an expression: the head evaluates what its stages give.
template <int D>
struct gated_enhancement {
  dcs::nn::conv2d<D, D, 1> gate;
  DCS_MEMBERS(gate)
  template <dcs::operand X>
  constexpr auto operator()(const X& crop) const {
    return crop * dcs::sigmoid(dcs::eval(gate(crop)));
  }
};

/// relu(conv(x) + x).
template <int D>
struct residual_encoder {
  dcs::nn::conv2d<D, D, 3> conv;
  DCS_MEMBERS(conv)
  template <dcs::operand X>
  constexpr auto operator()(const X& crop) const {
    return dcs::relu(conv(crop) + crop);
  }
};

/// Tokens of a patch's mean where ours learn a filter; one 1 × 1 convolution for all places in a patch.
template <int D, int P>
struct mean_embedding {
  dcs::nn::conv2d<D, D, 1> mix;
  DCS_MEMBERS(mix)
  template <dcs::operand X>
  constexpr auto operator()(const X& crop) const {
    return mix(dcs::avg_pool2d<P, P, 0>(crop));
  }
};

/// A decoder that adds where ours concatenates.
template <int D>
struct adding_decoder {
  dcs::nn::conv2d<D, D, 1> conv;
  DCS_MEMBERS(conv)
  template <dcs::operand X, dcs::operand Y>
  constexpr auto operator()(const X& skip, const Y& deeper) const {
    return dcs::relu(conv(skip) + dcs::resize_nearest_like(deeper, skip));
  }
};

/// One 1 × 1 convolution, whatever hidden layers are asked for.
template <int D>
struct pointwise_logits {
  dcs::nn::conv2d<D, 1, 1> project;
  DCS_MEMBERS(project)
  template <dcs::operand X>
  constexpr auto operator()(const X& map) const {
    return project(map);
  }
};

struct head_stages : dcs::models::dcsnet::stages {
  template <int D>
  using enhance = gated_enhancement<D>;
  template <int D>
  using encode = residual_encoder<D>;
  template <int D, int P>
  using embed = mean_embedding<D, P>;
  template <int D>
  using decode = adding_decoder<D>;
  template <int D, int...>
  using logits = pointwise_logits<D>;
};

}  // namespace user

using own_head = dcs::dcsnet<user::strided_backbone, dcs::models::dcsnet::dghc<32>, dcs::models::dcsnet::mean_fusion, width, user::head_stages>;
static_assert(dcs::models::dcsnet::enhance_stage<user::gated_enhancement<width>, width>);
static_assert(dcs::models::dcsnet::encode_stage<user::residual_encoder<width>, width>);
static_assert(dcs::models::dcsnet::embed_stage<user::mean_embedding<width, 4>, width, 4>);
static_assert(!dcs::models::dcsnet::embed_stage<user::mean_embedding<width, 4>, width, 2>);
static_assert(dcs::models::dcsnet::decode_stage<user::adding_decoder<width>, width>);
static_assert(dcs::models::dcsnet::logits_stage<user::pointwise_logits<width>, width>);
template <int P>
constexpr auto more_of_embedding = dcs::parameters<user::mean_embedding<width, P>> - dcs::parameters<dcs::models::dcsnet::patch_embedding<width, P>>;
constexpr auto more_of_logits = 6 * dcs::parameters<user::pointwise_logits<width>> -
                                4 * dcs::parameters<dcs::models::dcsnet::logit_head<width, width / 2>> -
                                dcs::parameters<dcs::models::dcsnet::logit_head<width, width / 2, width / 4>> -
                                dcs::parameters<dcs::models::dcsnet::logit_head<width, width / 4>>;
static_assert(dcs::parameters<decltype(own_head::head)> - dcs::parameters<decltype(plain_net::head)> ==
              4 * (dcs::parameters<user::gated_enhancement<width>> - dcs::parameters<dcs::models::dcsnet::enhance<width>>)+4 *
                      (dcs::parameters<user::residual_encoder<width>> -
                       dcs::parameters<dcs::models::dcsnet::crop_encoder<width>>)+more_of_embedding<4> +
                  more_of_embedding<2> + 2 * more_of_embedding<1> +
                  3 * (dcs::parameters<user::adding_decoder<width>> - dcs::parameters<dcs::models::dcsnet::skip_fusion<width>>)+more_of_logits);

TEST_CASE("a network with a user's enhancement, encoder, embedding, decoder and heads of logits trains") {
  train<own_head>({"head.enhance.0.", "head.enhance.3.", "head.encoder.0.", "head.encoder.3.", "head.embed.3.", "head.decoder.0.", "head.decoder.2.",
                   "head.level_head.0.", "head.level_head.3.", "head.main_head.", "head.edge_head."});
}
