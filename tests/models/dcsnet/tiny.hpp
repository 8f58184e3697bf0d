// A backbone so small that a whole network around it compiles in seconds, and discs to train it on.
#pragma once

#include "../discs.hpp"

#include <dcs/models/dcsnet/dcsnet.hpp>
#include <dcs/optim/adamw.hpp>
#include <dcs/train/loop.hpp>

#include <string_view>

namespace user {

/// Strided convolutions; all that dcs::detection_backbone asks is `channels` and four maps at 1/4 to 1/32.
struct strided_backbone {
  static constexpr std::array<int, 4> channels{8, 8, 12, 16};
  dcs::nn::conv2d<3, 8, 4, 4, 0> stem;
  dcs::nn::conv2d<8, 8, 2, 2, 0> down3;
  dcs::nn::conv2d<8, 12, 2, 2, 0> down4;
  dcs::nn::conv2d<12, 16, 2, 2, 0> down5;
  DCS_MEMBERS(stem, down3, down4, down5)

  template <dcs::operand X>
  constexpr auto operator()(const X& images) const {
    const auto c2 = dcs::eval(dcs::relu(stem(images)));
    const auto c3 = dcs::eval(dcs::relu(down3(c2)));
    const auto c4 = dcs::eval(dcs::relu(down4(c3)));
    return std::tuple(c2, c3, c4, dcs::eval(dcs::relu(down5(c4))));
  }
};

/// A term of DCSNet's loss by its name, and the regions of a step.
inline double term(const dcs::step_losses& l, std::string_view name) {
  for (std::size_t i = 0; i < dcs::models::dcsnet::loss_names.size(); ++i)
    if (name == dcs::models::dcsnet::loss_names[i]) return l.terms.at(i);
  dcs::fail("no term ", std::string(name));
}
inline std::int64_t regions(const dcs::step_losses& l) { return static_cast<std::int64_t>(l.counts.at(0)); }
/// All numbers of a step: the total, the terms, the regions.
inline std::vector<double> terms(const dcs::step_losses& l) {
  std::vector<double> all{l.total};
  all.insert(all.end(), l.terms.begin(), l.terms.end());
  all.insert(all.end(), l.counts.begin(), l.counts.end());
  return all;
}

}  // namespace user
