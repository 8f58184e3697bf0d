// A training step of a network that is measured: its memory and its time.
#pragma once

#include "network_data.hpp"

#include <dcs/data/loader.hpp>
#include <dcs/train/run.hpp>

#include <chrono>

namespace programs {

/// Steps with the first images of a training set. The network has begun, where it runs.
template <class Net, class P>
struct trial {
  Net& net;
  dcs::epoch_options<typename Net::options> numbers;
  dcs::batch images;
  dcs::any_optimizer<typename P::device> optimizer;

  trial(Net& n, const train_request& t, int batch) : net(n), optimizer(dcs::named_parameters(n), {}) {
    numbers.batch = batch, numbers.seed = t.config.seed, numbers.input = dcs::training_run<Net, P>::input_of(t.config);
    numbers.net = dcs::assigned_options(typename Net::options{}, t.config.network);
    const auto first = dcs::detail::first_batch(training_set(t.config, t), numbers, batch);
    dcs::expect(first.has_value(), t.config.data, ": its training set has fewer than ", batch, " images");
    images = *first;
  }
  void step() {
    optimizer.clear_gradients();
    (void)dcs::train_step<P>(net, images, numbers.net, dcs::random_stream{numbers.seed, 0});
    optimizer.step();
  }
};

/// What a step with one image needs.
template <class Net, class P>
dcs::step_memory memory_of_trial(Net& net, const train_request& t) {
  trial<Net, P> one(net, t, 1);
  return dcs::memory_of_step([&] { one.step(); }, [&] { one.optimizer.clear_gradients(); });
}

/// How long a step with a batch takes, its validation, and reading its images.
template <class Net, class P>
dcs::batch_seconds seconds_of_trial(Net& net, const train_request& t) {
  trial<Net, P> whole(net, t, t.config.batch);
  // The mean of two after a first one, which allocates.
  const auto mean_of_two = [](const auto& f) {
    f();
    const auto start = std::chrono::steady_clock::now();
    f(), f();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() / 2;
  };
  dcs::batch_seconds s;
  s.train = mean_of_two([&] { whole.step(); });
  s.validate = mean_of_two([&] { (void)dcs::validate_batch<P>(net, whole.images, whole.numbers.net); });
  const first_of set = training_set(t.config, t);
  const dcs::data_loader loader(set, {.batch = t.config.batch, .threads = 0}, dcs::to_batch{whole.numbers.input, dcs::augment_options{}});
  int epoch = 0;  // each begins with other images
  s.load = mean_of_two([&] { (void)*loader.epoch(epoch++).begin(); });
  return s;
}

}  // namespace programs
