// Epochs of captured steps on the host in the place of a GPU, in double: bit for bit the results of calling fixed_train_step on the same images, for
// any sizes of batches and numbers of true boxes, and across a checkpoint; and the first step is the host's own.
#include "../models/dcsnet/tiny.hpp"

#include <dcs/kernels.cuh>
#include <dcs/models/dcsnet/fixed_size.cuh>
#include <dcs/train/captured_trainer.hpp>
#include <dcs/train/checkpoint.hpp>

#include <doctest/doctest.h>

#include <filesystem>

#include <unistd.h>

using namespace dcs;
using namespace dcs::models::dcsnet;

namespace {

using net_type = dcsnet<user::strided_backbone, dghc<32>, msfa<1, 2>, 8>;
using emulated = cuda::emulated;

// Discs, and among them an image with 20 objects.
struct discs_and_many : user::discs {
  sample load(std::int64_t i) const {
    sample s = discs::load(i);
    if (i != 2) return s;
    std::fill(s.truth.pixels.begin(), s.truth.pixels.end(), std::uint8_t{0});
    for (std::size_t k = 0; k < 20; ++k)
      for (std::size_t y = 0; y < 6; ++y)
        for (std::size_t x = 0; x < 6; ++x) s.truth.pixels[(12 * (k / 5) + 8 + y) * 64 + 12 * (k % 5) + 2 + x] = 1;
    return s;
  }
};

epoch_options<net_type::options> epoch_numbers() {
  epoch_options<net_type::options> o;
  o.batch = 2, o.seed = 6;
  o.net.detector.rpn.before_nms_training = 60, o.net.detector.rpn.after_nms_training = 40, o.net.detector.rpn.sampler.size = 32,
  o.net.detector.box.sampler.size = 16;
  o.net.regions.most = 1;  // none is padded: dropout draws as on the host
  return o;
}
using user::terms;

struct result {
  std::vector<double> values;
  std::vector<std::vector<double>> losses;
  friend bool operator==(const result&, const result&) = default;
};

// A network in training on D, and the losses of its steps.
template <class D>
struct training {
  std::unique_ptr<net_type> net = std::make_unique<net_type>();
  basic_adamw<D> optimizer;
  typename stepper_for<precision<D, double>, net_type, basic_adamw<D>>::type steps;
  discs_and_many data;
  std::vector<std::vector<double>> losses;

  explicit training(bool capture = true) : optimizer(named(*net), {1e-3, 0.9, 0.999, 1e-8, 1e-2, 1}), steps(*net, optimizer, capture) {
    data.count = 3;
  }
  step_losses epoch(int number, const epoch_options<net_type::options>& o = epoch_numbers()) {
    optimizer.options.rate = number == 0 ? 1e-3 : 5e-4;
    return train_epoch(steps, data, o, number, [&](std::int64_t, std::int64_t all, const step_losses& l) {
      CHECK(all == (data.count + 1) / 2);
      losses.push_back(terms(l));
    });
  }
  result so_far() const {
    result r{{}, losses};
    for_each_parameter(*net, [&](const std::string&, const parameter_base& p) {
      r.values.insert(r.values.end(), p.data<double>(), p.data<double>() + p.size());  // the emulated device's memory is the host's
    });
    return r;
  }

 private:
  static std::vector<named_parameter> named(net_type& n) {
    initialize<double>(n, 4);
    if constexpr (!std::is_same_v<D, cpu_device>) to_device<D>(n);
    return named_parameters(n);
  }
};

// One epoch, said again with fixed_train_step, for any number of true boxes.
void epoch_by_hand(training<emulated>& t, int number, const epoch_options<net_type::options>& o) {
  t.optimizer.options.rate = number == 0 ? 1e-3 : 5e-4;
  const random_stream epoch = random_stream{o.seed, 0}.child(static_cast<std::uint64_t>(number)),
                      first = random_stream{o.seed, 0}.child(0).child(3).child(0);
  const auto order = detail::shuffled(t.data.size(), epoch.child(1));
  for (std::size_t begin = 0; begin < order.size(); begin += 2) {
    std::vector<sample> samples;
    for (std::size_t i = begin; i < std::min(begin + 2, order.size()); ++i) {
      samples.push_back(t.data.load(order[i]));
      augment(o.augment, samples.back().pixels, samples.back().truth, epoch.child(2).child(static_cast<std::uint64_t>(order[i])));
    }
    fixed_batch<emulated, double> b(static_cast<extent_t>(samples.size()), 64, 64, 40);
    fill(b, staged<double>(make_batch(samples, o.input), 40));
    fixed_losses<emulated, double, net_type> l;
    random_stream random = first;
    random.shift = (static_cast<std::uint64_t>(number) << 32) + begin / 2;
    t.optimizer.clear_gradients();
    fixed_train_step(*t.net, b, o.net, random, l);
    t.optimizer.step();
    t.losses.push_back(terms(l.read()));
  }
}

}  // namespace

TEST_CASE("a batch with native masks is refused where a step's arrays have fixed sizes") {
  batch b = make_batch({user::discs{}.load(0)}, {});
  (void)staged<double>(b, 16);
  b.native.resize(1);
  CHECK_THROWS_WITH_AS(staged<double>(b, 16), doctest::Contains("the batch has native masks, whose sizes are not fixed"), error);
}

TEST_CASE("epochs of captured steps have the bits of calls, with a smaller last batch and an image of 20 objects; they continue from a checkpoint") {
  emulated::options().check = false;  // the kernels' own tests look at every access
  const auto path = (std::filesystem::temp_directory_path() / ("dcs_captured_trainer_" + std::to_string(::getpid()) + ".safetensors")).string();
  auto later = epoch_numbers();
  later.net.loss.levels = {1.1, 1.0, 0.9, 0.8};  // as a schedule changes them
  training<emulated> whole;
  const auto mean = terms(whole.epoch(0));
  save_checkpoint<emulated>(path, *whole.net, &whole.optimizer, {});
  (void)whole.epoch(1, later);
  const result wanted = whole.so_far();
  REQUIRE(wanted.losses.size() == 4);
  for (std::size_t k = 0; k < mean.size() - 1; ++k) CHECK(mean[k] == doctest::Approx((wanted.losses[0][k] + wanted.losses[1][k]) / 2));
  CHECK(mean.back() == 3);  // regions are counted

  {
    training<emulated> by_hand;
    epoch_by_hand(by_hand, 0, epoch_numbers());
    epoch_by_hand(by_hand, 1, later);
    CHECK((by_hand.so_far() == wanted));
  }
  {
    training<emulated> calls(false);
    (void)calls.epoch(0);
    CHECK(std::equal(calls.losses.begin(), calls.losses.end(), wanted.losses.begin()));
  }
  training<emulated> resumed;
  load_checkpoint<emulated>(path, *resumed.net, &resumed.optimizer);
  (void)resumed.epoch(1, later);
  CHECK((resumed.so_far().values == wanted.values));
  CHECK(std::equal(resumed.losses.begin(), resumed.losses.end(), wanted.losses.begin() + 2));

  // Stopped after the first step, when the batch of the second was sent already; another object goes on with that.
  training<emulated> stopped, goes_on;
  epoch_state state;
  CHECK(!train_steps(stopped.steps, stopped.data, epoch_numbers(), 0, state, [](std::int64_t, const step_losses&) { return false; }));
  CHECK(state.steps == 1);
  save_checkpoint<emulated>(path, *stopped.net, &stopped.optimizer, {});
  load_checkpoint<emulated>(path, *goes_on.net, &goes_on.optimizer);
  CHECK(train_steps(goes_on.steps, goes_on.data, epoch_numbers(), 0, state, [](std::int64_t, const step_losses&) { return true; }));
  CHECK(terms(state.mean()) == mean);
  (void)goes_on.epoch(1, later);
  CHECK((goes_on.so_far().values == wanted.values));
  std::filesystem::remove(path);
}

TEST_CASE("the first captured step has the losses of the host's first step") {
  emulated::options().check = false;
  training<cpu_device> host;
  training<emulated> there;
  host.data.count = there.data.count = 2;
  (void)host.epoch(0);
  (void)there.epoch(0);
  for (std::size_t i = 0; i < 10; ++i) {
    CAPTURE(i);
    CHECK(there.losses[0][i] == doctest::Approx(host.losses[0][i]).epsilon(1e-6));
  }
  CHECK(host.losses[0][9] == 2);
}

TEST_CASE("an error of the data set ends an epoch of captured steps; the trainer can continue with the next") {
  emulated::options().check = false;
  struct broken : discs_and_many {
    sample load(std::int64_t i) const {
      if (i == 1) fail("image 1 is damaged");
      return discs_and_many::load(i);
    }
  };
  training<emulated> t;
  broken data;
  data.count = 3;
  CHECK_THROWS_WITH_AS(train_epoch(t.steps, data, epoch_numbers(), 0), "image 1 is damaged", error);
  (void)t.epoch(1);
  CHECK(t.losses.size() >= 2);
}

TEST_CASE("a step without a region leaves the head as it is, values and statistics, and moves the detector as the host's does") {
  emulated::options().check = false;
  training<cpu_device> host;
  training<emulated> there;
  const auto o = epoch_numbers().net;
  captured_step<emulated, double, net_type> steps(*there.net, there.optimizer, 2, 64, 64, o, {5, 1});
  std::vector<std::vector<double>> head(3);
  const auto note_head = [&](std::size_t k) {
    for_each_parameter(there.net->head, [&](const std::string&, const parameter_base& p) {
      head[k].insert(head[k].end(), p.data<double>(), p.data<double>() + p.size());
    });
  };
  note_head(0);
  for (std::uint64_t k = 1; k <= 2; ++k) {
    std::vector<sample> samples{there.data.load(0), there.data.load(1)};
    if (k == 2)
      for (auto& s : samples) std::fill(s.truth.pixels.begin(), s.truth.pixels.end(), std::uint8_t{0});
    const auto b = make_batch(samples, {});
    host.optimizer.clear_gradients();
    const auto wanted = terms(train_step<precision<cpu_device, double>>(*host.net, b, o, {5, 1, k}));
    host.optimizer.step();
    steps.send(b);
    steps.launch();
    const auto measured = terms(steps.losses());
    CHECK(wanted[9] == (k == 1 ? 2 : 0));
    for (std::size_t i = 0; i < wanted.size(); ++i) CHECK(measured[i] == doctest::Approx(wanted[i]).epsilon(1e-6));
    note_head(k);
  }
  CHECK(head[1] != head[0]);
  CHECK((head[2] == head[1]));
  const auto wanted = host.so_far().values, measured = there.so_far().values;
  REQUIRE(measured.size() == wanted.size());
  double worst = 0;
  for (std::size_t i = 0; i < wanted.size(); ++i) worst = std::max(worst, std::abs(measured[i] - wanted[i]) / std::max(1.0, std::abs(wanted[i])));
  CHECK(worst < 1e-8);  // a step moves a value by 1e-3
}
