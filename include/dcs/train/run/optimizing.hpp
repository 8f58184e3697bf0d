// How a run's configuration becomes the numbers of its optimiser.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/printable.hpp>
#include <dcs/optim/any_optimizer.hpp>
#include <dcs/train/checkpoint.hpp>
#include <dcs/train/run/config.hpp>

DCS_EXACT_MATH
namespace dcs {

/// The parameters of a network that move by numbers of their own. Throws dcs::error where its encoder is to have a rate of its own and there is none.
template <class Net>
std::vector<parameter_group> groups_of(Net& net, const run_config& c) {
  std::vector<parameter_group> list;
  if (!c.decay_norms) list.push_back(no_decay_of_norms_and_biases());
  if (c.backbone_rate == 1) return list;
  if constexpr (has_encoder<Net>) {
    list.push_back({.prefix = prefix_of(net, net.encoder()), .rate_scale = c.backbone_rate});
    return list;
  } else {
    fail("dcs::run: backbone_rate is ", c.backbone_rate, ", but the network ", printable(c.net), " has no encoder; expected 1");
  }
}

/// The optimiser's options for a network.
template <class Net>
any_optimizer_options optimizer_options_of(Net& net, const run_config& c) {
  any_optimizer_options o;
  o.name = c.optimizer, o.rate = c.rate, o.weight_decay = c.weight_decay, o.momentum = c.momentum, o.nesterov = c.nesterov;
  o.groups = groups_of(net, c);
  return o;
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
