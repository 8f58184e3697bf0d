// The seam between backward pass and update, on the host and in captured steps: gradients that are averaged or scaled there, averages of weights that
// follow there, and rates that change with every step; through a checkpoint too.
#include <dcs/kernels.cuh>
#include <dcs/models/pixelwise/pixelwise.hpp>
#include <dcs/nn/layers.hpp>
#include <dcs/optim/any_optimizer.hpp>
#include <dcs/optim/schedule.hpp>
#include <dcs/train/captured_trainer.hpp>
#include <dcs/train/checkpoint.hpp>

#include <doctest/doctest.h>

#include <filesystem>

using namespace dcs;

namespace {

using emulated = cuda::emulated;

struct net : models::pixelwise<net> {
  nn::conv2d<3, 4, 3, 1, 1> first;
  nn::batch_norm<4> norm;
  nn::conv2d<4, 1, 1> last;
  DCS_MEMBERS(first, norm, last)
  template <operand X>
  auto operator()(const X& images) const {
    return eval(last(eval(relu(norm(first(images))))));
  }
};
// The same without a norm, so that images do not matter to one another.
struct plain_net : models::pixelwise<plain_net> {
  nn::conv2d<3, 4, 3, 1, 1> first;
  nn::conv2d<4, 1, 1> last;
  DCS_MEMBERS(first, last)
  template <operand X>
  auto operator()(const X& images) const {
    return eval(last(eval(relu(first(images)))));
  }
};

// Noise of 8 × 8, bright on the left.
struct halves {
  std::int64_t size() const { return 5; }
  sample load(std::int64_t i) const {
    sample s{"half " + std::to_string(i), {8, 8, 3, {}}, {8, 8, {}}, 8, 8};
    for (std::uint64_t p = 0; p < 64; ++p) {
      s.truth.pixels.push_back(p % 8 < 4);
      for (std::uint64_t c = 0; c < 3; ++c)
        s.pixels.pixels.push_back((p % 8 < 4 ? 150.0f : 60.0f) + 80 * random_stream{8, static_cast<std::uint64_t>(i)}.uniform(3 * p + c));
    }
    return s;
  }
};
batch images(std::vector<std::int64_t> numbers) {
  std::vector<sample> s;
  for (auto i : numbers) s.push_back(halves().load(i));
  return make_batch(s, {});
}

// The memory of the emulated device is the host's.
template <class Net>
std::vector<double> values(Net& n, bool gradients = false) {
  std::vector<double> all;
  for (const auto& [name, p] : named_parameters(n)) {
    if (gradients && p->is_buffer()) continue;
    const double* from = gradients ? static_cast<const double*>(p->gradient().data()) : p->template data<double>();
    all.insert(all.end(), from, from + p->size());
  }
  return all;
}
template <class Net>
std::unique_ptr<Net> made(std::uint64_t seed = 3) {
  auto n = std::make_unique<Net>();
  initialize<double>(*n, seed);
  return n;
}
double difference(const std::vector<double>& a, const std::vector<double>& b) {
  REQUIRE(a.size() == b.size());
  double worst = 0;
  for (std::size_t i = 0; i < a.size(); ++i) worst = std::max(worst, std::abs(a[i] - b[i]));
  return worst;
}

using precise = precision<cpu_device, double>;

// Averages gradients with those of another process.
struct averaging {
  std::vector<double> others;
  void gradients(std::span<const named_parameter> parameters) {
    std::size_t at = 0;
    for_each_gradient<cpu_device>(parameters, [&]<class T>(const named_parameter&, T* g, extent_t n) {
      for (extent_t i = 0; i < n; ++i) g[i] = static_cast<T>(0.5 * (static_cast<double>(g[i]) + others.at(at++)));
    });
    CHECK(at == others.size());
  }
  void updated(std::span<const named_parameter>) const {}
};

template <class D>
struct halving {
  void gradients(std::span<const named_parameter> parameters) {
    for_each_gradient<D>(parameters, []<class T>(const named_parameter&, T* g, extent_t n) {
      for (extent_t i = 0; i < n; ++i) g[i] = static_cast<T>(static_cast<double>(g[i]) / 2);
    });
  }
  void updated(std::span<const named_parameter>) const {}
};

// What is there when the seam is called.
struct witness {
  net* of;
  std::vector<std::vector<double>> weights;
  std::size_t gradients_seen = 0, gradients_missing = 0;
  void gradients(std::span<const named_parameter> parameters) {
    for (const auto& p : parameters) ++(p.parameter->has_gradient() ? gradients_seen : gradients_missing);
    weights.push_back(values(*of));
  }
  void updated(std::span<const named_parameter> parameters) {
    CHECK(parameters.size() == 6);  // buffers are not among them
    weights.push_back(values(*of));
  }
};

static_assert(step_seam<no_seam> && step_seam<ema> && step_seam<basic_ema<emulated>> && step_seam<seams<ema, witness>>);
static_assert(repeatable_optimizer<any_optimizer<emulated>, emulated> && repeatable_optimizer<basic_sgd<emulated>, emulated>);

}  // namespace

TEST_CASE("the seam is called with gradients before the weights move, and with the weights that have moved") {
  const auto n = made<net>();
  const auto before = values(*n);
  sgd optimizer(named_parameters(*n), {0.1, 0, 0, false, 0});
  witness seam{n.get(), {}};
  eager_stepper<precise, net, sgd, witness> steps(*n, optimizer, false, &seam);
  steps.send(images({0, 1}));
  steps.launch(0, 0);
  REQUIRE(seam.weights.size() == 2);
  CHECK((seam.gradients_seen == 6 && seam.gradients_missing == 0));
  CHECK(seam.weights[1] == values(*n));
  CHECK(seam.weights[1] != seam.weights[0]);
  CHECK(difference(seam.weights[0], before) > 0);  // the running statistics alone
}

TEST_CASE("gradients averaged over two processes are those of the whole batch") {
  const auto whole = made<plain_net>(), here = made<plain_net>(), there = made<plain_net>();
  plain_net::options o;
  o.dice = 0;  // Dice is of a batch, not a mean over its images
  (void)train_step<precise>(*there, images({2, 3}), o, {});
  averaging seam{values(*there, true)};
  const auto step = [&](plain_net& n, const batch& b, averaging* s) {
    sgd optimizer(named_parameters(n), {0.1, 0.9, 0.01, true, 0.05});
    eager_stepper<precise, plain_net, sgd, averaging> steps(n, optimizer, false, s);
    steps.set(1, o);
    steps.send(b);
    steps.launch(0, 0);
  };
  const auto before = values(*whole);
  step(*whole, images({0, 1, 2, 3}), nullptr), step(*here, images({0, 1}), &seam);
  CHECK(difference(values(*whole), before) > 1e-4);
  CHECK(difference(values(*whole), values(*here)) < 1e-14);
}

TEST_CASE("a gradient that shares its memory is changed once, and one can be given") {
  const auto n = made<plain_net>();
  const storage g = storage::allocate<cpu_device>(4 * sizeof(double));
  std::fill_n(static_cast<double*>(g.data()), 4, 8.0);
  parameter_base &a = n->first.bias, &b = n->last.weight;  // of four elements both
  a.set_gradient(g), b.set_gradient(g);
  const auto list = named_parameters(*n);
  halving<cpu_device>().gradients(list);
  for (const parameter_base* p : {&a, &b}) {
    const storage found = p->gradient();
    for (int i = 0; i < 4; ++i) CHECK(static_cast<const double*>(found.data())[i] == 4);
  }
  CHECK(static_cast<const double*>(g.data())[0] == 8);
  CHECK(!n->last.bias.has_gradient());
  CHECK_THROWS_WITH_AS(n->last.bias.set_gradient(g), doctest::Contains("a gradient of 32 bytes"), error);
}

namespace {

constexpr const char* checkpoint = "dcs_test_seam";

// A network, its optimiser, its averages and the seam of both, on D.
template <class D>
struct run {
  std::unique_ptr<net> network = made<net>();
  any_optimizer<D> optimizer;
  basic_ema<D> average;
  halving<D> half;
  seams<halving<D>, basic_ema<D>> seam{&half, &average};
  schedule rates;
  std::vector<double> rates_seen;

  explicit run(const std::string& name)
      : optimizer(placed(*network), options(name)), average(named_parameters(*network), 0.9), rates({"polynomial", 0.05, 2, 0, 2, true}) {}

  // Two epochs of three steps are the whole run.
  template <class Steps>
  void epoch(Steps& steps, int number) {
    epoch_options<net::options> o;
    o.batch = 2, o.seed = 4;
    o.rate = [&](std::int64_t step, std::int64_t count) {
      CHECK(count == 3);
      rates_seen.push_back(rates.at({number, step, count}, 0.05));
      return rates_seen.back();
    };
    (void)train_epoch(steps, halves(), o, number);
    CHECK(optimizer.options.rate == rates_seen.back());
  }
  void eager_epoch(int number) {
    eager_stepper<precision<D, double>, net, any_optimizer<D>, seams<halving<D>, basic_ema<D>>> steps(*network, optimizer, false, &seam);
    epoch(steps, number);
  }
  std::vector<double> averages() {
    const averaged_weights<D> in_place(average);
    return values(*network);
  }

 private:
  static std::vector<named_parameter> placed(net& n) {
    if constexpr (!std::is_same_v<D, cpu_device>) to_device<D>(n);
    return named_parameters(n);
  }
  static any_optimizer_options options(const std::string& name) {
    any_optimizer_options o;
    o.name = name, o.weight_decay = 0.01, o.nesterov = true;
    return o;
  }
};

}  // namespace

TEST_CASE("averages follow every step of an epoch, and a run goes on from a checkpoint to the same bits") {
  const std::string path = (std::filesystem::temp_directory_path() / (checkpoint + std::to_string(::getpid()))).string();
  for (const char* name : {"adamw", "sgd"}) {
    run<cpu_device> straight(name), resumed(name);
    straight.eager_epoch(0);
    CHECK(straight.average.updates() == 3);
    CHECK(straight.rates_seen[0] == 0.025);  // a warm-up of two steps
    save_checkpoint(path, *straight.network, &straight.optimizer, {}, &straight.average);
    const auto weights = values(*straight.network), averages = straight.averages();
    CHECK(weights != averages);
    straight.eager_epoch(1);

    load_checkpoint(path, *resumed.network, &resumed.optimizer, &resumed.average);
    CHECK(values(*resumed.network) == weights);
    resumed.eager_epoch(1);
    CHECK(values(*resumed.network) == values(*straight.network));
    CHECK(resumed.averages() == straight.averages());
    CHECK(resumed.average.updates() == 6);

    const auto to_evaluate = made<net>(), without = made<net>();
    load_averaged(path, *to_evaluate);
    CHECK(values(*to_evaluate) == averages);
    load_checkpoint(path, *without);
    CHECK(values(*without) == weights);
    save_checkpoint(path, *without, nullptr, {});
    CHECK_THROWS_WITH_AS(load_averaged(path, *without), doctest::Contains("there are no averaged weights in it"), error);
    CHECK_THROWS_WITH_AS(load_checkpoint(path, *without, nullptr, &resumed.average), doctest::Contains("no averaged weights in the checkpoint"),
                         error);
  }
  std::filesystem::remove(path);
}

TEST_CASE("captured steps with a seam and an optimiser by name are the host's steps") {
  emulated::options().check = false;  // the kernels' own tests look at every access
  for (const char* name : {"adamw", "sgd"}) {
    run<cpu_device> host(name);
    run<emulated> captured(name);
    stepper_for<precision<emulated, double>, net, any_optimizer<emulated>, seams<halving<emulated>, basic_ema<emulated>>>::type steps(
        *captured.network, captured.optimizer, true, &captured.seam);
    for (int e = 0; e < 2; ++e) {
      host.eager_epoch(e);
      captured.epoch(steps, e);
    }
    CHECK(captured.average.updates() == 6);
    CHECK(captured.rates_seen == host.rates_seen);
    CHECK(difference(values(*captured.network), values(*host.network)) < 1e-9);
    CHECK(difference(captured.averages(), host.averages()) < 1e-9);
  }
}
