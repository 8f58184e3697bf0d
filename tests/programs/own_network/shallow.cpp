// A network that no image of 64 × 64 fits: its second convolution pads nothing, and its first leaves 2 × 2 pixels.
#include <network.hpp>

#include <dcs/models/pixelwise/pixelwise.hpp>
#include <dcs/nn/layers.hpp>
#include <dcs/ops/resize/resize.hpp>

namespace shallow {

using namespace dcs;

struct stage {
  nn::conv2d<4, 1, 3, 1, 0> conv;
  DCS_MEMBERS(conv)
};

struct network : models::pixelwise<network> {
  nn::conv2d<3, 4, 3, 32, 1> down;
  shallow::stage stage;
  DCS_MEMBERS(down, stage)
  template <operand X>
  constexpr auto operator()(const X& images) const {
    return eval(resize_bilinear_like<corners::half_pixel>(eval(stage.conv(eval(down(images)))), images));
  }
};

}  // namespace shallow

DCS_NETWORK("shallow", shallow::network)
