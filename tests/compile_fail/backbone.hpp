// A backbone that fits, of 8 channels at each level, for programs whose mistake is in another stage.
#pragma once

#include <dcs/nn/layers.hpp>

struct backbone {
  static constexpr std::array<int, 4> channels{8, 8, 8, 8};
  dcs::nn::conv2d<3, 8, 4, 4, 0> stem;
  dcs::nn::conv2d<8, 8, 2, 2, 0> down;
  DCS_MEMBERS(stem, down)
  template <dcs::operand X>
  constexpr auto operator()(const X& images) const {
    const auto c2 = eval(stem(images));
    const auto c3 = eval(down(c2));
    const auto c4 = eval(down(c3));
    return std::tuple(c2, c3, c4, eval(down(c4)));
  }
};
