// What sharded steps compute: in double, the step of the whole batch where norms and losses are over it, and weighted means of the shards' where not.
#include "sharded_net.hpp"

#include <dcs/optim/sgd.hpp>

#include <functional>

using models::pixelwise_options;

namespace {

using precise = precision<cpu_device, double>;

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

}  // namespace

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

TEST_CASE("a shard has the native masks of its own images, which it shares with the batch") {
  batch all = some(5);
  CHECK(images_of(all, {1, 3}).native.empty());
  for (int i = 0; i < 5; ++i) all.native.push_back(std::make_shared<const native_mask>());
  const batch part = images_of(all, {1, 3});
  CHECK(part.native == native_masks{all.native[1], all.native[2]});
  CHECK(part.boxes == decltype(part.boxes){all.boxes[1], all.boxes[2]});
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
