// Sharded steps have the same bits for any number of ranks; those of a batch that is not cut are an eager step's. A shard that fails.
#include "sharded_net.hpp"

#include <dcs/optim/adamw.hpp>
#include <dcs/train/communicator/threads.hpp>

#include <atomic>
#include <limits>

namespace {

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
    adamw moves(named_parameters(n), {.rate = 1e-2});
    sharded_stepper<precision<>, net, adamw> steps(n, moves, serial{}, {4, synchronized_norms});
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
