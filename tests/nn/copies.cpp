// Networks are values: a copy is trained by itself, optimisers and averages follow a network that is moved, and say so when it is gone.
#include <dcs/expr/gradcheck.hpp>
#include <dcs/nn/layers.hpp>
#include <dcs/ops/reduce/reduce.hpp>
#include <dcs/optim/adamw.hpp>
#include <dcs/optim/ema.hpp>

#include <doctest/doctest.h>

#include <memory>

using namespace dcs;

namespace {

struct net {
  nn::linear<4, 6> first;
  nn::layer_norm<6> norm;
  std::array<nn::linear<6, 6>, 2> deep;
  std::tuple<nn::linear<6, 1>> last;
  buffer<shape<3>, init::ones> statistics;
  DCS_MEMBERS(first, norm, deep, last, statistics)
  template <operand X>
  auto operator()(const X& x) const {
    return std::get<0>(last)(eval(deep[1](eval(relu(deep[0](eval(norm(eval(first(x))))))))));
  }
};
using input = tensor<float, shape<5, 4>>;
input images() { return random_normal<float, shape<5, 4>>({5, 4}, {3, 4}); }

template <class T = float, class Net>
std::vector<T> values(const Net& n) {
  std::vector<T> all;
  for_each_parameter(n, [&](const std::string&, const parameter_base& p) { all.insert(all.end(), p.data<T>(), p.data<T>() + p.size()); });
  return all;
}
template <class Net>
void step(const Net& n, adamw& optimizer) {
  optimizer.clear_gradients();
  backward(sum_all(square(n(var(images())))));
  optimizer.step();
}

}  // namespace

TEST_CASE("a copy of a network has memory of its own and no gradient: either is trained without the other") {
  net original;
  initialize(original, 1);
  backward(sum_all(square(original(var(images())))));
  net copy = original;
  const net kept = clone(original);
  CHECK(values(copy) == values(original));
  CHECK(values(kept) == values(original));
  bool any = false;
  for_each_parameter(copy, [&](const std::string&, const parameter_base& p) { any = any || p.has_gradient(); });
  CHECK(!any);
  adamw of_copy(named_parameters(copy), {.rate = 0.1}), of_original(named_parameters(original), {.rate = 0.01});
  const auto before = values(original);
  step(copy, of_copy);
  CHECK(values(original) == before);
  CHECK(values(copy) != before);
  const auto after = values(copy);
  step(original, of_original);
  CHECK(values(copy) == after);
  CHECK(values(kept) == before);
}

TEST_CASE("a copy is of the same type and device, with its copy in bf16, and is trained or not as the original is") {
  net original;
  initialize<double>(original, 1);
  original.first.weight.set_trained(false), original.norm.weight.set_optional(true);
  const net copy = original;
  CHECK(values<double>(copy) == values<double>(original));
  CHECK((!copy.first.weight.trained() && copy.first.bias.trained() && copy.norm.weight.optional() && !copy.norm.bias.optional()));
  net half;
  initialize(half, 1);
  mix_precision<cpu_device>(half);
  const net both = half;
  const auto bytes = half.first.weight.half().bytes();
  REQUIRE(both.first.weight.half().bytes() == bytes);
  CHECK(both.first.weight.half().data() != half.first.weight.half().data());
  CHECK(std::memcmp(both.first.weight.half().data(), half.first.weight.half().data(), static_cast<std::size_t>(bytes)) == 0);
  const net empty, also_empty = empty;  // without memory
  CHECK(!also_empty.first.weight.defined());
}

TEST_CASE("a copy that is assigned brings values back; the optimiser of the target goes on") {
  net n;
  initialize(n, 1);
  adamw optimizer(named_parameters(n), {.rate = 0.1});
  step(n, optimizer);
  const net best = n;
  step(n, optimizer);
  CHECK(values(n) != values(best));
  n = best;
  CHECK(values(n) == values(best));
  step(n, optimizer);
  CHECK(values(n) != values(best));
  n = *&n;  // to itself
  CHECK(n.first.weight.defined());
}

TEST_CASE("an optimiser and averages follow a network that is moved, to the bits of one that stays") {
  const auto trained = [](bool moved) {
    auto n = std::make_unique<net>();
    initialize(*n, 1);
    adamw optimizer(named_parameters(*n), {.rate = 0.1});
    ema averages(named_parameters(*n), 0.5);
    for (int k = 0; k < 3; ++k) {
      step(*n, optimizer);
      averages.update();
      if (moved) {
        auto other = std::make_unique<net>(std::move(*n));
        if (k == 1) {  // by assignment, over a network that has memory
          auto third = std::make_unique<net>();
          initialize(*third, 2);
          *third = std::move(*other);
          other = std::move(third);
        }
        n = std::move(other);
      }
    }
    auto all = values(*n);
    const averaged_weights taken(averages);
    const auto average = values(*n);
    all.insert(all.end(), average.begin(), average.end());
    return all;
  };
  CHECK(trained(true) == trained(false));
}

TEST_CASE("using an optimiser, averages or a list of parameters of a network that is gone is an error") {
  auto n = std::make_unique<net>();
  initialize(*n, 1);
  adamw optimizer(named_parameters(*n));
  ema averages(named_parameters(*n), 0.5);
  const auto list = named_parameters(*n);
  n.reset();
  CHECK_THROWS_WITH_AS(optimizer.step(), doctest::Contains("the network that it belonged to is gone"), error);
  CHECK_THROWS_WITH_AS(averages.update(), doctest::Contains("is gone"), error);
  CHECK_THROWS_WITH_AS((void)list[0].parameter->size(), doctest::Contains("is gone"), error);
  net target, source;
  initialize(target, 1), initialize(source, 2);
  const auto of_target = named_parameters(target), of_source = named_parameters(source);
  target = std::move(source);
  CHECK(&*of_source[0].parameter == &target.first.weight);
  CHECK_THROWS_WITH_AS((void)of_target[0].parameter->size(), doctest::Contains("is gone"), error);
}
