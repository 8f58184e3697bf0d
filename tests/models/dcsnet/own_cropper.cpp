// A whole network with a user's backbone and cropper, one that learns.
#include "own_stages.hpp"

namespace user {

/// A cropper that averages crops of twice the side and weighs channels by what it learns. Width is the network's.
template <int Width>
struct weighing_cropper {
  static constexpr int base = 32;
  static constexpr bool takes_whole_images = false;
  std::array<dcs::parameter<dcs::shape<Width>, dcs::init::ones>, 4> weights;
  DCS_MEMBERS(weights)

  template <class Pyramid, class Rois>
  constexpr auto operator()(const Pyramid& pyramid, const Rois& rois) const {
    const auto [p2, p3, p4, p5] = dcs::roi_align_pyramid<64, 32, 16, 8>(first_four(pyramid), rois, {4, 8, 16, 32}, 1);
    return std::tuple(weighed(p2, weights[0]), weighed(p3, weights[1]), weighed(p4, weights[2]), weighed(p5, weights[3]));
  }

 private:
  template <class Pyramid>
  static constexpr auto first_four(const Pyramid& p) {
    return std::tuple(std::get<0>(p), std::get<1>(p), std::get<2>(p), std::get<3>(p));
  }
  template <dcs::operand X, class Weight>
  static constexpr auto weighed(const X& crop, const Weight& w) {
    return dcs::eval(dcs::avg_pool2d<2, 2, 0>(crop) * w.as(crop));
  }
};

}  // namespace user

using own_cropper = dcs::dcsnet<user::strided_backbone, user::weighing_cropper<width>, dcs::models::dcsnet::mean_fusion, width>;
static_assert(dcs::models::dcsnet::region_cropper<user::weighing_cropper<width>, width>);
static_assert(dcs::parameters<own_cropper> == dcs::parameters<plain_net> + 4 * width, "a cropper's parameters are the network's");

TEST_CASE("a network with a user's backbone and cropper trains, the cropper's parameters among the network's") {
  train<own_cropper>({"detector.backbone.body.", "cropper.weights.0", "cropper.weights.1", "cropper.weights.2", "cropper.weights.3"});
}
