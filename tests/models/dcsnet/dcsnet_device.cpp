// The whole network on a device: a training step in double on cuda::emulated, every kernel its own, library calls replaced by the host's ops, against
// the host's step. Losses and every gradient agree, the updated parameters, validation losses and predictions too; a checkpoint of one device is read
// on the other.
#include "device_step.hpp"

#include <dcs/train/checkpoint.hpp>

#include <filesystem>

#include <unistd.h>

using namespace dcs;
using namespace device_step;
using net_type = user::small_net;

namespace {

template <class D>
std::unique_ptr<net_type> network() {
  return device_step::network<net_type, D>();
}

}  // namespace

TEST_CASE("a training step on the device is the host's: losses, every gradient, every updated value; that of fixed sizes too") {
  emulated::options().check = false;  // the kernels' own tests look at every access
  const auto host = network<cpu_device>();
  const auto wanted = step<cpu_device>(*host);
  {
    const auto there = network<emulated>();
    check_equal(step<emulated>(*there), wanted);
  }
  const auto there = network<emulated>();
  check_equal(step<emulated, true>(*there), wanted);
}

TEST_CASE("two repeated steps, each with a batch that was sent before, are the host's with shifts 1 and 2; two of three regions are padded") {
  emulated::options().check = false;
  const auto host = network<cpu_device>();
  const auto there = network<emulated>();
  basic_adamw<cpu_device> wanted_optimizer(named_parameters(*host));
  basic_adamw<emulated> optimizer(named_parameters(*there));
  auto o = options();
  o.regions.most = 3, o.regions.ground_truth_only = true;  // the padded ones are behind the last valid one: dropout draws the same
  captured_step<emulated, double, net_type> steps(*there, optimizer, 1, 64, 64, o, {5, 1}, true, 3);
  CHECK_THROWS_WITH_AS(steps.launch(), doctest::Contains("no batch was sent"), error);
  CHECK_THROWS_WITH_AS(steps.send(images(2)), doctest::Contains("for a fixed batch of"), error);
  CHECK_THROWS_WITH_AS((void)staged<double>(images(1), 0), doctest::Contains("expected at most 0"), error);
  steps.send(images(1));
  for (std::uint64_t k = 1; k <= 2; ++k) {
    wanted_optimizer.clear_gradients();
    const auto wanted = terms(train_step<precision<cpu_device, double>>(*host, images(1), o, {5, 1, k}));
    wanted_optimizer.step();
    steps.launch();
    steps.send(images(1));
    const auto measured = terms(steps.losses());
    CHECK(wanted[9] == 1);
    for (std::size_t i = 0; i < wanted.size(); ++i) CHECK(measured[i] == doctest::Approx(wanted[i]).epsilon(1e-6));
  }
  std::map<std::string, std::vector<double>> values;
  for_each_parameter(*host, [&](const std::string& name, const parameter_base& p) { values[name] = on_host<cpu_device, double>(p.memory()); });
  for_each_parameter(*there, [&](const std::string& name, const parameter_base& p) {
    CAPTURE(name);
    CHECK(difference(on_host<emulated, double>(p.memory()), values.at(name)) < 1e-6);
  });
}

TEST_CASE("validation losses and predictions on the device are the host's; a checkpoint of one is read on the other") {
  const auto path = (std::filesystem::temp_directory_path() / ("dcs_device_" + std::to_string(::getpid()) + ".safetensors")).string();
  const auto host = network<cpu_device>();
  const auto b = images(1);
  (void)step<cpu_device>(*host);
  save_checkpoint(path, *host, nullptr, {{"epoch", "7"}});
  const auto there = std::make_unique<net_type>();
  initialize<double>(*there, 8);
  to_device<emulated>(*there);
  CHECK(load_checkpoint<emulated>(path, *there).at("epoch") == "7");
  const auto wanted = terms(validate_batch<precision<cpu_device, double>>(*host, b, options()).first),
             measured = terms(validate_batch<precision<emulated, double>>(*there, b, options()).first);
  for (std::size_t i = 0; i < wanted.size(); ++i) CHECK(measured[i] == doctest::Approx(wanted[i]).epsilon(1e-6));

  net_type::options o;
  o.detector.box.score_threshold = 0.05, o.detector.rpn.after_nms = 30;
  for (const bool given : {false, true}) {
    const auto p = given ? predict<precision<cpu_device, double>>(*host, b.images, o, b.boxes)
                         : predict<precision<cpu_device, double>>(*host, b.images, o),
               q = given ? predict<precision<emulated, double>>(*there, b.images, o, b.boxes)
                         : predict<precision<emulated, double>>(*there, b.images, o);
    REQUIRE(p[0].detections.size() == q[0].detections.size());
    CHECK(!p[0].detections.empty());
    for (std::size_t i = 0; i < p[0].detections.size(); ++i)
      CHECK(q[0].detections[i].score == doctest::Approx(p[0].detections[i].score).epsilon(1e-5));
    CHECK(difference({q[0].probability.begin(), q[0].probability.end()}, {p[0].probability.begin(), p[0].probability.end()}) < 1e-5);
  }

  save_checkpoint<emulated>(path, *there, nullptr, {});
  const auto back = network<cpu_device>();
  load_checkpoint(path, *back);
  std::map<std::string, std::vector<double>> values;
  for_each_parameter(*host, [&](const std::string& name, const parameter_base& p) { values[name] = on_host<cpu_device, double>(p.memory()); });
  for_each_parameter(*back,
                     [&](const std::string& name, const parameter_base& p) { CHECK((values.at(name) == on_host<cpu_device, double>(p.memory()))); });
  CHECK_THROWS_WITH_AS(save_checkpoint(path, *there, nullptr, {}), doctest::Contains("does not lie on the device cpu"), error);
  const auto elsewhere = [&] { return predict<precision<cpu_device, double>>(*there, b.images, {}); };
  CHECK_THROWS_WITH_AS((void)elsewhere(), doctest::Contains("to_device"), error);
  std::filesystem::remove(path);
}

TEST_CASE("a checkpoint written on one device continues on another: weights, moments and the number of steps") {
  emulated::options().check = false;
  const auto path = (std::filesystem::temp_directory_path() / ("dcs_device_run_" + std::to_string(::getpid()) + ".safetensors")).string();
  const auto advance = []<class D>(net_type& net, basic_adamw<D>& optimizer, std::uint64_t k) {
    optimizer.clear_gradients();
    (void)train_step<precision<D, double>>(net, images(1), options(), {5, 1, k});
    optimizer.step();
  };
  const auto check_values = []<class D, class E>(const net_type& measured, D, const net_type& wanted, E) {
    std::map<std::string, std::vector<double>> values;
    for_each_parameter(wanted, [&](const std::string& name, const parameter_base& p) { values[name] = on_host<E, double>(p.memory()); });
    for_each_parameter(measured, [&](const std::string& name, const parameter_base& p) {
      CAPTURE(name);
      CHECK(difference(on_host<D, double>(p.memory()), values.at(name)) < 1e-6);
    });
  };
  const auto host = network<cpu_device>(), back = network<cpu_device>();
  const auto there = network<emulated>();
  basic_adamw<cpu_device> host_optimizer(named_parameters(*host)), back_optimizer(named_parameters(*back));
  basic_adamw<emulated> there_optimizer(named_parameters(*there));

  advance(*host, host_optimizer, 1);
  save_checkpoint(path, *host, &host_optimizer, {});
  load_checkpoint<emulated>(path, *there, &there_optimizer);
  advance(*host, host_optimizer, 2);
  advance(*there, there_optimizer, 2);
  check_values(*there, emulated{}, *host, cpu_device{});

  save_checkpoint<emulated>(path, *there, &there_optimizer, {});
  load_checkpoint(path, *back, &back_optimizer);
  advance(*host, host_optimizer, 3);
  advance(*back, back_optimizer, 3);
  check_values(*back, cpu_device{}, *host, cpu_device{});
  std::filesystem::remove(path);
}
