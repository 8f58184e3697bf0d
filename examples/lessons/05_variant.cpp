// Lesson 5. DCSNet's stages are template arguments with concepts. A struct of one's own takes the place of any of them; here the aggregation between
// the levels, the encoder of a crop, and the backbone with them, so that the whole network compiles in seconds.
#include "check.hpp"

#include <dcs/dcs.hpp>
#include <dcs/models/dcsnet/dcsnet.hpp>

using namespace dcs;
using namespace dcs::models::dcsnet;

// A backbone: the channels of its four maps, and a call that gives them at strides 4, 8, 16 and 32.
struct small_backbone {
  static constexpr std::array<int, 4> channels{16, 16, 16, 16};
  nn::conv2d<3, 16, 4, 4, 0> stem;
  std::array<nn::conv2d<16, 16, 2, 2, 0>, 3> down;
  DCS_MEMBERS(stem, down)
  template <operand X>
  constexpr auto operator()(const X& images) const {
    const auto c2 = eval(relu(stem(images)));
    const auto c3 = eval(relu(down[0](c2)));
    const auto c4 = eval(relu(down[1](c3)));
    return std::tuple(c2, c3, c4, eval(relu(down[2](c4))));
  }
};

// An aggregator: tokens of all levels attend through one gated linear layer instead of a Transformer; levels are fused by the largest value.
struct gated_maximum {
  template <int D, int Levels>
  struct stage {
    nn::linear<D, D> gate;
    DCS_MEMBERS(gate)
    template <operand X>
    constexpr auto attend(const X& tokens) const {
      return eval(tokens * sigmoid(gate(tokens)));
    }
    template <operand X>
    constexpr auto refine(const X& map) const {
      return eval(map);
    }
    template <operand X>
    constexpr auto fuse(const X& d5, const X& d4, const X& d3, const X& d2) const {
      return eval(maximum(maximum(d5, d4), maximum(d3, d2)));
    }
  };
};

// An encoder: one convolution and a shortcut where ours has two convolutions, two norms and a dropout. Stages that papers vary less are aliases in
// one struct, of which one derives and replaces what one has: pyramid, rpn, box, enhance, encode, decode, logits.
template <int D>
struct residual_encoder {
  nn::conv2d<D, D, 3> conv;
  DCS_MEMBERS(conv)
  template <operand X>
  constexpr auto operator()(const X& crop) const {
    return relu(conv(crop) + crop);
  }
};
struct my_stages : models::dcsnet::stages {
  template <int D>
  using encode = residual_encoder<D>;
};

// Concepts say whether a struct fits, before any network is built of it; models/dcsnet/stages.hpp has one for each stage.
static_assert(detection_backbone<small_backbone>);
static_assert(feature_aggregator<gated_maximum>);
static_assert(!feature_aggregator<small_backbone>);
static_assert(encode_stage<residual_encoder<16>, 16>);
// An encoder that gave 8 channels would not fit, and the network would say: encode_mismatch<found_extent<8>, expected_extent<16>, axis<3>>.

using net_type = dcsnet<small_backbone, dghc<32>, gated_maximum, 16, my_stages>;
using mean_type = dcsnet<small_backbone, dghc<32>, mean_fusion, 16, my_stages>;
static_assert(parameters<net_type> == parameters<mean_type> + 16 * 16 + 16, "all that differs is the gate");
// The work on one image is a constant too: 208 tokens pass the gate.
static_assert(network_work<net_type, 64>.multiply_adds == network_work<mean_type, 64>.multiply_adds + 208 * 16 * 16);

int main() {
  net_type net;
  initialize(net, 1);

  // From images to a pyramid, from boxes to regions: the number of images, their side and the number of regions are names in the types.
  using images_type = tensor<float, shape<dyn<"batch">, dyn<"height">, dyn<"width">, 3>>;
  const auto images = random_normal<float, images_type::shape_type>({2, 64, 64, 3}, {1, 1});
  const auto pyramid = net.detector.features(images);
  const auto rois = make_rois<dyn<"roi">>(std::vector<std::vector<box<float>>>{{{4, 4, 30, 40}, {10, 20, 60, 50}}, {{0, 0, 64, 64}}});
  const auto logits = net.segment(pyramid, rois).main;
  static_assert(std::is_same_v<decltype(logits), const tensor<float, shape<dyn<"roi">, 32, 32, 1>>>);
  check(logits.size_of<0>() == 3, "three boxes, three maps of logits");

  // No box, no region: an empty result and no special case.
  const auto none = net.segment(pyramid, make_rois<dyn<"roi">>(std::vector<std::vector<box<float>>>{{}, {}})).main;
  check(none.size() == 0, "no boxes give an empty result");

  // In training the gradient of the segmentation reaches our stage and, through the crops, our backbone.
  const random_scope dropout(1, 0);
  const auto recorded = net.detector.features(var<float, images_type::shape_type>(images));
  backward(mean_all(square(net.segment(recorded, rois).main)));
  check(net.head.aggregate.gate.weight.has_gradient(), "the aggregator learns");
  check(net.head.encoders[0].conv.weight.has_gradient(), "the encoder learns");
  check(net.detector.body.stem.weight.has_gradient(), "the backbone learns");
  check(!net.detector.rpn.conv.weight.has_gradient(), "the proposals do not depend on the segmentation");
  return wrong;
}
