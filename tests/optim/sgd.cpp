// SGD against torch.optim.SGD (tests/goldens/optim.py), and what its options may be.
#include <dcs/optim/any_optimizer.hpp>

#include "../ops/check_op.hpp"

#include <doctest/doctest.h>

using namespace dcs;

namespace {

struct net {
  parameter<shape<13>> weight;
  parameter<shape<70>> bias;
  DCS_MEMBERS(weight, bias)
};

template <class T>
void fill(parameter_base& p, const std::vector<double>& values) {
  for (std::size_t i = 0; i < values.size(); ++i) p.data<T>()[i] = static_cast<T>(values[i]);
}
// The gradient of step `step` arrives.
template <class T, class P>
void arrive(const P& p, const std::vector<double>& all, std::size_t step) {
  using S = typename P::shape_type;
  const auto x = p.as(var<T, S>());
  auto g = tensor<T, S>::zeros();
  for (extent_t i = 0; i < g.size(); ++i) g.data()[i] = static_cast<T>(all[step * static_cast<std::size_t>(g.size()) + static_cast<std::size_t>(i)]);
  backward(x, g);
}

// Eight steps; after the fourth a new optimiser goes on with what the first has saved.
template <class T, class Optimizer, class Options>
void check_golden(const std::string& name, const Options& o) {
  CAPTURE(name);
  const auto file = test::goldens("optim");
  net n;
  initialize<T>(n, 1);
  fill<T>(n.weight, file.at("weight/start").as<double>()), fill<T>(n.bias, file.at("bias/start").as<double>());
  const auto weight = file.at("weight/gradients").as<double>(), bias = file.at("bias/gradients").as<double>();
  auto optimizer = std::make_unique<Optimizer>(named_parameters(n), o);
  for (std::size_t step = 0; step < 8; ++step) {
    optimizer->clear_gradients();
    arrive<T>(n.weight, weight, step);
    if (step > 0) arrive<T>(n.bias, bias, step);
    if (step == 5) optimizer->options.rate = 0.03;
    optimizer->step();
    if (step != 3) continue;
    io::safetensors saved;
    optimizer->save(saved);
    CHECK(saved.metadata.at("optimizer") == "sgd");
    CHECK(saved.contains("optimizer/bias/momentum"));
    optimizer = std::make_unique<Optimizer>(named_parameters(n), o);
    optimizer->load(saved);
  }
  for (const named_parameter& entry : named_parameters(n)) {
    const T* begin = entry.parameter->data<T>();
    const auto wanted = file.at(entry.name + "/" + name).as<double>();
    CHECK(test::relative_error(std::vector<T>(begin, begin + entry.parameter->size()), wanted) < test::tolerance<T>);
  }
}

const std::vector<std::pair<std::string, sgd_options>> cases{{"plain", {0.1, 0, 0, false, 0}},
                                                             {"momentum", {0.1, 0.9, 0, false, 0}},
                                                             {"nesterov", {0.1, 0.9, 0, true, 0}},
                                                             {"decay", {0.1, 0.9, 0.01, false, 0}},
                                                             {"all", {0.1, 0.8, 0.05, true, 1}}};

static_assert(optimizer<sgd> && optimizer<any_optimizer<cpu_device>>);

}  // namespace

TEST_CASE("SGD is torch.optim.SGD: momentum, Nesterov, weight decay, clipping; a parameter whose gradient comes later") {
  test::for_each_isa([] {
    for (const auto& [name, o] : cases) check_golden<double, sgd>(name, o), check_golden<float, sgd>(name, o);
  });
}

TEST_CASE("an optimiser that is chosen by name is the one of that name") {
  any_optimizer_options o;
  o.name = "sgd", o.rate = 0.1, o.momentum = 0.8, o.weight_decay = 0.05, o.nesterov = true;
  check_golden<double, any_optimizer<cpu_device>>("all", o);

  net a, b;
  initialize(a, 1), initialize(b, 1);
  adamw alone(named_parameters(a));
  any_optimizer<cpu_device> chosen(named_parameters(b));
  const auto gradients = test::goldens("optim").at("weight/gradients").as<double>();
  for (std::size_t step = 0; step < 3; ++step) {
    alone.clear_gradients(), chosen.clear_gradients();
    arrive<float>(a.weight, gradients, step), arrive<float>(b.weight, gradients, step);
    alone.options.rate = chosen.options.rate = 0.1 / static_cast<double>(step + 1);
    CHECK(alone.step() == chosen.step());
  }
  CHECK(std::equal(a.weight.data<float>(), a.weight.data<float>() + 13, b.weight.data<float>()));
  CHECK(chosen.parameters().size() == 2);

  o.name = "adam";
  CHECK_THROWS_WITH_AS(any_optimizer<cpu_device>(named_parameters(b), o), doctest::Contains("adam is no optimiser; expected adamw or sgd"), error);
}

TEST_CASE("options outside their range are said") {
  net n;
  const auto made = [&](const auto& o) {
    basic_optimizer<std::conditional_t<std::is_same_v<decltype(o), const sgd_options&>, sgd_rule, adamw_rule>, cpu_device>(named_parameters(n), o);
  };
  CHECK_THROWS_WITH_AS(made(sgd_options{0.1, 1.0, 0, false, 0}), doctest::Contains("dcs::sgd: momentum is 1"), error);
  CHECK_THROWS_WITH_AS(made(sgd_options{0.1, -0.1, 0, false, 0}), doctest::Contains("momentum is -0.1"), error);
  CHECK_THROWS_WITH_AS(made(sgd_options{0.1, 0, 0, true, 0}), doctest::Contains("looks ahead"), error);
  CHECK_THROWS_WITH_AS(made(adamw_options{0.1, 1.0}), doctest::Contains("dcs::adamw: beta1 is 1"), error);
  CHECK_THROWS_WITH_AS(made(adamw_options{0.1, 0.9, std::nan("")}), doctest::Contains("beta2 is nan"), error);
}

TEST_CASE("an optimiser does not take what another has written, and its own is checked") {
  net n;
  initialize(n, 1);
  const auto gradients = test::goldens("optim").at("weight/gradients").as<double>();
  sgd optimizer(named_parameters(n));
  arrive<float>(n.weight, gradients, 0);
  optimizer.step();
  io::safetensors file;
  optimizer.save(file);
  CHECK(file.metadata.at("optimizer_moments") == "1");
  adamw other(named_parameters(n));
  CHECK_THROWS_WITH_AS(other.load(file), "dcs::adamw: the optimiser in the checkpoint is sgd; expected adamw", error);
  file.metadata.erase("optimizer");
  CHECK_THROWS_WITH_AS(other.load(file), doctest::Contains("optimizer/weight/momentum belongs to no parameter"), error);
  optimizer.load(file);
  auto values = file.at("optimizer/weight/momentum").as<float>();
  values[3] = HUGE_VALF;
  file.put("optimizer/weight/momentum", {13}, values.data());
  CHECK_THROWS_WITH_AS(optimizer.load(file), doctest::Contains("optimizer/weight/momentum contains inf"), error);
  file.put("optimizer/weight/momentum", {5}, values.data());
  CHECK_THROWS_WITH_AS(optimizer.load(file), doctest::Contains("has 5 moments for a parameter of 13"), error);
  file.tensors.erase("optimizer/weight/momentum");
  CHECK_THROWS_WITH_AS(optimizer.load(file), doctest::Contains("there are moments of 0 parameters; expected 1"), error);
}
