// Steps that are shared out: what they compute, and that their bits do not depend on the number of ranks.
#include "../../models/discs.hpp"

#include <dcs/models/pixelwise/pixelwise.hpp>
#include <dcs/nn/layers.hpp>
#include <dcs/optim/adamw.hpp>
#include <dcs/optim/sgd.hpp>
#include <dcs/train/communicator/threads.hpp>
#include <dcs/train/shards/stepper.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <cmath>
#include <functional>
#include <limits>

using namespace dcs;
using models::pixelwise_options;

namespace {

using precise = precision<cpu_device, double>;

// Two norms, so that one's gradient passes through the other.
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
// Three steps on batches of 7, 7 and 3 images.
outcome trained(any_communicator c, const shard_options& o) {
  net n;
  initialize(n, 3);
  adamw moves(named_parameters(n), {.rate = 1e-2});
  sharded_stepper<precision<>, net, adamw> steps(n, moves, c, o);
  steps.set(5, {});
  outcome out;
  for (std::int64_t k = 0; k < 3; ++k) {
    send(steps, some(k == 2 ? 3 : 7));
    steps.launch(0, k);
    const step_losses l = steps.losses();
    out.losses.push_back(l.total), out.losses.insert(out.losses.end(), l.terms.begin(), l.terms.end());
  }
  out.weights = values(n);
  return out;
}

// What a step of plain descent at rate 1 leaves of weights and running statistics, on 7 images, without dropout.
template <class Stepper>
outcome descended(const pixelwise_options& o, const std::function<Stepper(plain_net&, sgd&)>& make) {
  plain_net n;
  initialize<double>(n, 3);
  sgd moves(named_parameters(n), {.rate = 1});
  Stepper steps = make(n, moves);
  steps.set(5, o);
  send(steps, some(7));
  steps.launch(0, 0);
  const step_losses l = steps.losses();
  return {values(n), {l.total, l.terms[0], l.terms[1]}};
}
using whole = eager_stepper<precise, plain_net, sgd>;
using cut = sharded_stepper<precise, plain_net, sgd>;

std::string message(auto f) {
  try {
    f();
  } catch (const error& e) {
    return e.what();
  }
  return "";
}

}  // namespace

TEST_CASE("weights, losses and running statistics have the same bits for any number of ranks") {
  for (const bool synchronized_norms : {true, false})
    for (const std::int64_t shards : {1, 3, 4}) {
      const shard_options o{shards, synchronized_norms};
      const outcome alone = trained(serial{}, o);
      for (const int ranks : {2, 3, 4}) {
        std::atomic<int> same = 0;
        on_threads(ranks, [&](thread_communicator c) { same += trained(c, o) == alone; });
        CAPTURE(synchronized_norms);
        CAPTURE(shards);
        CAPTURE(ranks);
        CHECK(same == ranks);
      }
    }
}

TEST_CASE("norms over all shards and a loss that is a mean over images make the step of the whole batch") {
  pixelwise_options o;
  o.dice = 0;  // a ratio of sums over a batch, which is another for each way of cutting it
  const outcome expected = descended<whole>(o, [](plain_net& n, sgd& moves) { return whole(n, moves); });
  for (const std::int64_t shards : {2, 3, 7}) {
    const outcome found = descended<cut>(o, [&](plain_net& n, sgd& moves) { return cut(n, moves, serial{}, {shards}); });
    CAPTURE(shards);
    CHECK(difference(found.weights, expected.weights) < 1e-12);
    CHECK(difference(found.losses, expected.losses) < 1e-12);
    const outcome apart = descended<cut>(o, [&](plain_net& n, sgd& moves) { return cut(n, moves, serial{}, {shards, false}); });
    CHECK(difference(apart.weights, expected.weights) > 1e-4);
  }
}

TEST_CASE("with norms over each shard, gradients and losses are the weighted means of the shards', and statistics their mean") {
  constexpr std::int64_t shards = 3;
  plain_net n;
  initialize<double>(n, 3);
  const std::vector<double> before = values(n);
  std::vector<double> expected = before, losses(3);
  const batch all = some(7);
  for (std::int64_t s = 0; s < shards; ++s) {
    plain_net one = n;
    sgd moves(named_parameters(one), {.rate = 1});
    const index_range images = part_of(7, shards, s);
    const step_losses l = train_step<precise>(one, images_of(all, images), {}, {5, 5});
    moves.step();
    const std::vector<double> after = values(one);
    const double weight = static_cast<double>(images.size()) / 7;
    std::size_t i = 0;
    for (const auto& [name, p] : named_parameters(n))
      for (extent_t k = 0; k < p->size(); ++k, ++i) expected[i] += (after[i] - before[i]) * (p->is_buffer() ? 1.0 / shards : weight);
    losses[0] += weight * l.total, losses[1] += weight * l.terms[0], losses[2] += weight * l.terms[1];
  }
  const outcome found = descended<cut>({}, [&](plain_net& m, sgd& moves) { return cut(m, moves, serial{}, {shards, false}); });
  CHECK(difference(found.weights, expected) < 1e-12);
  CHECK(difference(found.losses, losses) < 1e-12);
}

TEST_CASE("a batch that is not cut has the bits of an eager step, in any number of processes") {
  net n;
  initialize(n, 3);
  adamw moves(named_parameters(n), {.rate = 1e-2});
  eager_stepper<precision<>, net, adamw> steps(n, moves);
  steps.set(5, {});
  for (std::int64_t k = 0; k < 3; ++k) send(steps, some(k == 2 ? 3 : 7)), steps.launch(0, k);
  CHECK(trained(serial{}, {1}).weights == values(n));
  std::atomic<int> same = 0;
  on_threads(2, [&](thread_communicator c) { same += trained(c, {1}).weights == values(n); });
  CHECK(same == 2);
}

TEST_CASE("the transport's sum is near the tree's") {
  const outcome tree = trained(serial{}, {4});
  std::atomic<int> near = 0;
  on_threads(3, [&](thread_communicator c) { near += difference(trained(c, {4, true, true}).weights, tree.weights) < 1e-2; });
  CHECK(near == 3);
}

TEST_CASE("a shard that fails ends the step with its own error, also where others wait for it at a norm") {
  for (const bool synchronized_norms : {true, false}) {
    net n;
    initialize(n, 3);
    sgd moves(named_parameters(n), {.rate = 1});
    sharded_stepper<precision<>, net, sgd> steps(n, moves, serial{}, {4, synchronized_norms});
    batch b = some(4);
    b.images.data()[b.images.size() / 2] = std::numeric_limits<float>::quiet_NaN();
    send(steps, b);
    CHECK(message([&] { steps.launch(0, 0); }).find("dcs::train_step: the loss is not finite") != std::string::npos);
    // Before the first norm: a layer without memory.
    n.first.weight = {};
    send(steps, some(4));
    const auto m = message([&] { steps.launch(0, 0); });
    CAPTURE(m);
    CHECK(m.find("has no memory") != std::string::npos);
  }
}
