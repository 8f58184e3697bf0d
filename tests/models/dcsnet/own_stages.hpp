// Training for the tests of networks with a user's own stages.
#pragma once

#include "tiny.hpp"

#include <doctest/doctest.h>

namespace {

constexpr int width = 8;
// The network that the others differ from in one stage.
using plain_net = dcs::dcsnet<user::strided_backbone, dcs::models::dcsnet::dghc<32>, dcs::models::dcsnet::mean_fusion, width>;

std::vector<float> values(const dcs::parameter_base& p) { return {p.data<float>(), p.data<float>() + p.size()}; }

// Eight steps on one batch with the same draws: the loss falls, and every parameter of the user's stages, whose names begin with one of `prefixes`,
// gets a gradient and changes.
template <class Net>
void train(const std::vector<std::string>& prefixes) {
  auto net = std::make_unique<Net>();
  dcs::initialize(*net, 3);
  dcs::adamw optimizer(dcs::named_parameters(*net), {3e-3, 0.9, 0.999, 1e-8, 1e-4, 0});
  std::map<std::string, dcs::parameter_base*> own;
  std::map<std::string, std::vector<float>> before;
  for (const auto& prefix : prefixes) {
    const auto found = own.size();
    for (const auto& p : dcs::named_parameters(*net))
      if (p.name.rfind(prefix, 0) == 0) own[p.name] = &*p.parameter, before[p.name] = values(*p.parameter);
    REQUIRE(own.size() > found);
  }
  const user::discs data;
  const auto batch = dcs::make_batch({data.load(0), data.load(1)}, {});
  std::vector<dcs::step_losses> losses;
  for (int step = 0; step < 8; ++step) {
    optimizer.clear_gradients();
    losses.push_back(dcs::train_step(*net, batch, {}, {5, 5}));
    for (const auto& entry : own) {
      CAPTURE(entry.first);
      const dcs::parameter_base* p = entry.second;
      REQUIRE(p->has_gradient());
      double size = 0;
      for (dcs::extent_t i = 0; i < p->size(); ++i) size += std::abs(static_cast<double>(static_cast<const float*>(p->gradient().data())[i]));
      CHECK((std::isfinite(size) && size > 0));
    }
    optimizer.step();
  }
  CHECK(user::regions(losses[0]) >= 2);
  CHECK(losses.back().total < 0.9 * losses[0].total);
  CHECK(user::term(losses.back(), "main") < user::term(losses[0], "main"));
  for (const auto& entry : own) {
    CAPTURE(entry.first);
    CHECK(values(*entry.second) != before[entry.first]);
  }
  const auto found = dcs::predict(*net, batch.images, {}, batch.boxes);
  REQUIRE(found.size() == 2);
  for (const auto& f : found) CHECK((f.probability.size() == 64 * 64 && f.detections.size() == 1));
}

}  // namespace
