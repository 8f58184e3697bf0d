// The same seed gives the same bits: whatever the number of threads, however slowly images arrive, and across a checkpoint.
#include "../models/dcsnet/tiny.hpp"

#include <dcs/train/checkpoint.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <set>
#include <thread>

#include <unistd.h>

using namespace dcs;
using namespace dcs::models::dcsnet;

namespace {

// Everything that is random or runs in parallel: dropout by element and by channel, attention's dropout, jitter, both samplers, augmentation, the
// loader.
using net_type = dcsnet<user::strided_backbone, dghc<32>, msfa<1, 2>, 8>;

// Images that take their time, each another.
struct slow_discs : user::discs {
  std::uint64_t pace = 0;
  sample load(std::int64_t i) const {
    std::this_thread::sleep_for(std::chrono::milliseconds(pace ? (static_cast<std::uint64_t>(i) * 7 + pace) % 11 : 0));
    return discs::load(i);
  }
};

// Images that come when `expected` threads have asked for one, or after ten seconds.
struct meeting : user::discs {
  std::size_t expected = 0;
  mutable std::mutex mutex{};
  mutable std::condition_variable more{};
  mutable std::set<std::thread::id> threads{};
  sample load(std::int64_t i) const {
    std::unique_lock lock(mutex);
    threads.insert(std::this_thread::get_id());
    more.notify_all();
    more.wait_for(lock, std::chrono::seconds(10), [&] { return threads.size() >= expected; });
    return discs::load(i);
  }
};

struct run {
  std::vector<float> values;
  std::vector<double> losses;
  friend bool operator==(const run&, const run&) = default;
};

epoch_options<net_type::options> epoch_numbers(std::uint64_t seed, int loaders = 0) {
  epoch_options<net_type::options> o;
  o.batch = 2, o.seed = seed, o.loaders = loaders;
  return o;
}
struct trained {
  std::unique_ptr<net_type> net = std::make_unique<net_type>();
  adamw optimizer;
  std::vector<double> losses;
  explicit trained(std::uint64_t seed) : optimizer(named((initialize(*net, seed), *net)), {1e-3, 0.9, 0.999, 1e-8, 1e-4, 1}) {}
  static std::vector<named_parameter> named(net_type& n) { return named_parameters(n); }
  void epoch(std::uint64_t seed, int number, std::uint64_t pace, int loaders = 0) {
    slow_discs data;
    data.count = 6, data.pace = pace;
    eager_stepper<precision<>, net_type, adamw> steps(*net, optimizer);
    (void)train_epoch(steps, data, epoch_numbers(seed, loaders), number, [&](std::int64_t, std::int64_t, const step_losses& l) {
      losses.push_back(l.total);
      losses.insert(losses.end(), l.terms.begin(), l.terms.end());
    });
  }
  run result() {
    run r{{}, losses};
    for_each_parameter(
        *net, [&](const std::string&, const parameter_base& p) { r.values.insert(r.values.end(), p.data<float>(), p.data<float>() + p.size()); });
    return r;
  }
};

// Three steps.
run train(std::uint64_t seed, int thread_count, std::uint64_t pace = 0, int loaders = 0) {
  set_threads(thread_count);
  trained t(seed);
  t.epoch(seed, 0, pace, loaders);
  return t.result();
}

}  // namespace

TEST_CASE("three steps of training have the same bits with 1, 2 and 5 threads, any number of loading threads at any pace, and again") {
  const int before = threads();
  const run one = train(1, 1);
  REQUIRE(one.losses.size() == 3 * 9);
  for (double l : one.losses) REQUIRE(std::isfinite(l));
  CHECK((train(1, 1) == one));
  CHECK((train(1, 2) == one));
  CHECK((train(1, 5) == one));
  CHECK((train(1, 2, 5) == one));
  CHECK((train(1, 2, 5, 3) == one));
  const run other = train(2, 2);
  CHECK(other.values != one.values);
  CHECK(other.losses != one.losses);
  set_threads(before);
}

TEST_CASE("training and validation load with as many threads as they are told") {
  trained t(1);
  eager_stepper<precision<>, net_type, adamw> steps(*t.net, t.optimizer);
  meeting train_set, validation;
  train_set.count = validation.count = 6, train_set.expected = validation.expected = 3;
  (void)train_epoch(steps, train_set, epoch_numbers(1, 3), 0);
  CHECK(train_set.threads.size() == 3);
  (void)validate(*t.net, validation, epoch_numbers(1, 3));
  CHECK(validation.threads.size() == 3);
  CHECK_THROWS_AS((void)train_epoch(steps, train_set, epoch_numbers(1, -1), 0), error);
}

TEST_CASE("predictions and validation losses have the same bits with 1, 2 and 5 threads") {
  const int before = threads();
  trained t(3);
  t.epoch(3, 0, 0);
  user::discs data;
  const auto b = make_batch({data.load(0), data.load(1)}, {});
  std::vector<float> first;
  double loss = 0;
  for (int n : {1, 2, 5}) {
    set_threads(n);
    const auto found = predict(*t.net, b.images, {}, b.boxes);
    const auto detected = predict(*t.net, b.images, {});
    const double l = validate_batch(*t.net, b, {}).first.total;
    std::vector<float> all;
    for (const auto& p : found) all.insert(all.end(), p.probability.begin(), p.probability.end());
    for (const auto& p : detected) {
      all.insert(all.end(), p.probability.begin(), p.probability.end());
      for (const auto& d : p.detections) all.insert(all.end(), {d.score, d.box.x1, d.box.y1, d.box.x2, d.box.y2});
    }
    if (n == 1) first = all, loss = l;
    CHECK(all == first);
    CHECK(l == loss);
  }
  set_threads(before);
}

TEST_CASE("an epoch after a checkpoint has the bits of an epoch after the one before") {
  const auto path = (std::filesystem::temp_directory_path() / ("dcs_determinism_" + std::to_string(::getpid()) + ".safetensors")).string();
  trained straight(4);
  straight.epoch(4, 0, 0);
  save_checkpoint(path, *straight.net, &straight.optimizer, {{"epoch", "0"}});
  straight.losses.clear();
  straight.epoch(4, 1, 0);
  trained resumed(9);  // other weights, that the file replaces
  CHECK(load_checkpoint(path, *resumed.net, &resumed.optimizer).at("epoch") == "0");
  resumed.epoch(4, 1, 3);
  CHECK((resumed.result() == straight.result()));
  std::filesystem::remove(path);
}

TEST_CASE("dropout is a function of its scope, on any number of threads, and its gradient has the mask of its value") {
  const int before = threads();
  using S = shape<dyn<"n">, 40>;
  const auto x = tensor<float, S>::full({3000, 40}, 1);
  auto values = [&](std::uint64_t step, const auto& layer) {
    const random_scope scope(7, step);
    auto v = var<float, S>::leaf(x);
    const auto first = layer(v), second = layer(v);
    backward(first, x);
    const auto g = v.grad();
    std::vector<float> all(first.data(), first.data() + first.size());
    CHECK(std::equal(all.begin(), all.end(), g.data()));
    all.insert(all.end(), second.data(), second.data() + second.size());
    return all;
  };
  auto check = [&](const auto& layer) {
    set_threads(1);
    const auto one = values(1, layer);
    const auto half = static_cast<std::ptrdiff_t>(one.size() / 2);
    CHECK_FALSE(std::equal(one.begin(), one.begin() + half, one.begin() + half));  // each draw its own
    for (int n : {1, 2, 5}) {
      set_threads(n);
      CHECK(values(1, layer) == one);
      CHECK(values(2, layer) != one);
    }
  };
  check(nn::dropout{0.3});
  check(nn::channel_dropout{0.3});
  set_threads(before);
}
