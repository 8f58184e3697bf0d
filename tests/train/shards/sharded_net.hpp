// What tests of sharded steps train: a network in which one norm's gradient passes through another, with dropout or without.
#pragma once

#include "../../models/discs.hpp"

#include <dcs/models/pixelwise/pixelwise.hpp>
#include <dcs/nn/layers.hpp>
#include <dcs/train/shards/stepper.hpp>

#include <doctest/doctest.h>

#include <cmath>

namespace {

using namespace dcs;

template <bool Drops>
struct net_of : models::pixelwise<net_of<Drops>> {
  nn::conv2d<3, 4, 3, 2, 1> first;
  nn::batch_norm<4> norm;
  nn::conv2d<4, 5, 3> second;
  nn::batch_norm<5> other_norm;
  nn::dropout drop{0.2};
  nn::conv2d<5, 1, 1> last;
  nn::conv2d<5, 1, 1> unused;
  DCS_MEMBERS(first, norm, second, other_norm, last, unused)
  static constexpr std::array optional_parameters{"unused"};
  template <operand X>
  auto operator()(const X& images) const {
    const auto x = eval(relu(other_norm(second(eval(relu(norm(first(images))))))));
    return eval(resize_bilinear_like<corners::aligned>(last(dropped(x)), images));
  }
  template <operand X>
  auto dropped(const X& x) const {
    if constexpr (Drops)
      return eval(drop(x));
    else
      return x;
  }
};
using net = net_of<true>;
using plain_net = net_of<false>;

batch some(std::int64_t count) {
  std::vector<sample> s;
  for (std::int64_t i = 0; i < count; ++i) s.push_back(user::discs{8}.load(i));
  return make_batch(s, {});
}
// Sends a process its own images of a batch.
template <class Stepper>
void send(Stepper& steps, const batch& b) {
  const std::int64_t images = b.images.sizes()[0];
  if constexpr (requires { steps.own(images); }) {
    const auto own = steps.own(images);
    steps.send(images_of(b, {own.first, own.second}), images);
  } else {
    steps.send(b);
  }
}
template <class Net>
std::vector<double> values(Net& n) {
  std::vector<double> all;
  for (const auto& [name, p] : named_parameters(n))
    for (extent_t i = 0; i < p->size(); ++i)
      all.push_back(p->type() == dtype::f64 ? p->template data<double>()[i] : static_cast<double>(p->template data<float>()[i]));
  return all;
}
double difference(const std::vector<double>& a, const std::vector<double>& b) {
  REQUIRE(a.size() == b.size());
  double worst = 0;
  for (std::size_t i = 0; i < a.size(); ++i) worst = std::max(worst, std::abs(a[i] - b[i]));
  return worst;
}

struct outcome {
  std::vector<double> weights, losses;
  bool operator==(const outcome&) const = default;
};

}  // namespace
