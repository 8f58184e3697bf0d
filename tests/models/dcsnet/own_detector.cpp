// A whole network with a user's pyramid, RPN head and box head.
#include "own_stages.hpp"

namespace user {

/// A pyramid from the finest level up: each level takes in the one below it, halved.
template <int Width, int C2, int C3, int C4, int C5>
struct rising_pyramid {
  std::tuple<dcs::nn::conv2d<C2, Width, 1>, dcs::nn::conv2d<C3, Width, 1>, dcs::nn::conv2d<C4, Width, 1>, dcs::nn::conv2d<C5, Width, 1>> lateral;
  std::array<dcs::nn::conv2d<Width, Width, 3, 2, 1>, 3> up;
  DCS_MEMBERS(lateral, up)

  template <class Maps>
  constexpr auto operator()(const Maps& maps) const {
    const auto& [c2, c3, c4, c5] = maps;
    const auto p2 = dcs::eval(std::get<0>(lateral)(c2));
    const auto p3 = dcs::eval(std::get<1>(lateral)(c3) + dcs::resize_nearest_like(dcs::eval(up[0](p2)), c3));
    const auto p4 = dcs::eval(std::get<2>(lateral)(c4) + dcs::resize_nearest_like(dcs::eval(up[1](p3)), c4));
    const auto p5 = dcs::eval(std::get<3>(lateral)(c5) + dcs::resize_nearest_like(dcs::eval(up[2](p4)), c5));
    return std::tuple(p2, p3, p4, p5, dcs::avg_pool2d<2, 2, 0>(p5));
  }
};

/// An RPN head whose 3 × 3 convolution is depthwise.
template <int Width>
struct depthwise_rpn {
  dcs::nn::conv2d<Width, Width, 3, 1, 1, Width> depthwise;
  dcs::nn::conv2d<Width, dcs::anchor_shapes, 1> objectness;
  dcs::nn::conv2d<Width, 4 * dcs::anchor_shapes, 1> deltas;
  DCS_MEMBERS(depthwise, objectness, deltas)

  template <dcs::operand X>
  constexpr auto operator()(const X& level) const {
    const auto x = dcs::eval(dcs::relu(depthwise(level)));
    return dcs::rpn_level{dcs::eval(objectness(x)), dcs::eval(deltas(x))};
  }
};

/// A box head over 5 × 5 with one hidden layer, where ours pools 7 × 7 and has two.
template <int Width>
struct small_box_head {
  static constexpr int side = 5;
  dcs::nn::linear<side * side * Width, 16> hidden;
  dcs::nn::linear<16, 2> scores;
  dcs::nn::linear<16, 8> deltas;
  DCS_MEMBERS(hidden, scores, deltas)

  template <dcs::operand X>
  constexpr auto operator()(const X& pooled) const {
    const auto flat = dcs::reshape<dcs::shape<dcs::extent_of<dcs::shape_t<X>, 0>, side * side * Width>>(pooled);
    const auto x = dcs::eval(dcs::relu(hidden(flat)));
    return dcs::box_predictions{scores(x), deltas(x)};
  }
};

struct detector_stages : dcs::models::dcsnet::stages {
  template <int Width, int C2, int C3, int C4, int C5>
  using pyramid = rising_pyramid<Width, C2, C3, C4, C5>;
  template <int Width>
  using rpn = depthwise_rpn<Width>;
  template <int Width>
  using box = small_box_head<Width>;
};

}  // namespace user

using own_detector =
    dcs::dcsnet<user::strided_backbone, dcs::models::dcsnet::dghc<32>, dcs::models::dcsnet::mean_fusion, width, user::detector_stages>;
static_assert(dcs::pyramid_stage<user::rising_pyramid<width, 8, 8, 12, 16>, width, 8, 8, 12, 16>);
static_assert(dcs::rpn_stage<user::depthwise_rpn<width>, width>);
static_assert(dcs::box_stage<user::small_box_head<width>, width>);
static_assert(dcs::parameters<decltype(own_detector::head)> == dcs::parameters<decltype(plain_net::head)>);
static_assert(dcs::parameters<decltype(own_detector::detector)> ==
              dcs::parameters<user::strided_backbone> + dcs::parameters<user::rising_pyramid<width, 8, 8, 12, 16>> +
                  dcs::parameters<user::depthwise_rpn<width>> + dcs::parameters<user::small_box_head<width>>);

TEST_CASE("a network with a user's pyramid, RPN head and box head trains") {
  train<own_detector>({"detector.backbone.fpn.lateral.", "detector.backbone.fpn.up.", "detector.rpn.head.depthwise.", "detector.rpn.head.objectness.",
                       "detector.rpn.head.deltas.", "detector.roi_heads.hidden.", "detector.roi_heads.scores.", "detector.roi_heads.deltas."});
}
