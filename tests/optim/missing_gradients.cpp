// Parameters that an optimiser would never move are named on its first step, and a step without any gradient is an error.
#include <dcs/core/warning.hpp>
#include <dcs/nn/layers.hpp>
#include <dcs/ops/reduce/reduce.hpp>
#include <dcs/optim/any_optimizer.hpp>

#include <doctest/doctest.h>

using namespace dcs;

namespace {

struct net {
  static constexpr std::array optional_parameters{"spare."};
  nn::linear<3, 3> used, gate, spare;
  DCS_MEMBERS(used, gate, spare)
  // The gate is computed from `condition`, whose parameters are trained only where that is a var.
  template <operand X, operand C>
  auto operator()(const X& x, const C& condition) const {
    return eval(used(x) * value(eval(gate(condition))));
  }
};

// What notices say while it exists.
struct notices {
  std::vector<std::string> texts;
  std::function<void(const std::string&)> before = notice_handler();
  notices() {
    notice_handler() = [this](const std::string& text) { texts.push_back(text); };
  }
  notices(const notices&) = delete;
  ~notices() { notice_handler() = before; }
};
const auto images = [] { return tensor<float, shape<2, 3>>::full({2, 3}, 1.0f); };

template <class Optimizer>
void check() {
  const notices said;
  net n;
  initialize(n, 1);
  Optimizer optimizer(named_parameters(n), {});
  CHECK_THROWS_WITH_AS(optimizer.step(), doctest::Contains("none of 6 trained parameters has a gradient"), error);
  CHECK(said.texts.empty());
  backward(sum_all(n(var(images()), images())));
  optimizer.step();
  REQUIRE(said.texts.size() == 1);
  CHECK(said.texts[0].find("2 of 6 trained parameters have no gradient in the first step, and do not move: gate.weight, gate.bias") !=
        std::string::npos);
  CHECK(said.texts[0].find("spare") == std::string::npos);
  optimizer.clear_gradients();
  backward(sum_all(n(var(images()), images())));
  optimizer.step();
  CHECK(said.texts.size() == 1);  // once
  optimizer.clear_gradients();
  CHECK_THROWS_WITH_AS(optimizer.step(), doctest::Contains("has a gradient; expected backward(loss)"), error);
}

}  // namespace

TEST_CASE("an optimiser names trained parameters without a gradient on its first step, but those that the network expects") {
  check<adamw>();
  check<basic_sgd<cpu_device>>();
  check<any_optimizer<cpu_device>>();
}

TEST_CASE("an optimiser may refuse a first step in which parameters have no gradient") {
  const notices said;
  net n;
  initialize(n, 1);
  const auto before = std::vector<float>(n.used.weight.data<float>(), n.used.weight.data<float>() + n.used.weight.size());
  any_optimizer_options o;
  o.missing = missing_gradients::refuse;
  any_optimizer<cpu_device> optimizer(named_parameters(n), o);
  backward(sum_all(n(var(images()), images())));
  CHECK_THROWS_WITH_AS(optimizer.step(), doctest::Contains("dcs::adamw: 2 of 6 trained parameters have no gradient"), error);
  CHECK(std::equal(before.begin(), before.end(), n.used.weight.data<float>()));
  CHECK(said.texts.empty());
}

TEST_CASE("with nothing to train there is nothing to say") {
  const notices said;
  net n;
  initialize(n, 1);
  for_each_parameter(n, [](const std::string&, parameter_base& p) { p.set_trained(false); });
  adamw optimizer(named_parameters(n));
  CHECK(optimizer.step() == 0);
  CHECK(said.texts.empty());
}
