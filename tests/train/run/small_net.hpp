// A segmenter that compiles in seconds, with all that a step's state may lie in: random numbers, running statistics, moments.
#pragma once

#include "../../models/discs.hpp"

#include <dcs/models/pixelwise/pixelwise.hpp>
#include <dcs/nn/layers.hpp>
#include <dcs/train/run.hpp>

namespace user {

struct small_net : dcs::models::pixelwise<small_net> {
  dcs::nn::conv2d<3, 4, 3, 1, 1> first;
  dcs::nn::batch_norm<4> norm;
  dcs::nn::dropout drop{0.2};
  dcs::nn::conv2d<4, 1, 1> last;
  DCS_MEMBERS(first, norm, last)
  template <dcs::operand X>
  constexpr auto operator()(const X& images) const {
    return dcs::eval(last(drop(dcs::eval(dcs::relu(norm(first(images)))))));
  }
};

}  // namespace user
