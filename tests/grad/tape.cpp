#include <dcs/expr/gradcheck.hpp>

#include <doctest/doctest.h>

using namespace dcs;

using S = shape<dyn<"n">, 4>;

TEST_CASE("gradients accumulate over uses and over passes") {
  auto x = var<double, S>::leaf(tensor<double, S>::full({3, 4}, 2));
  const auto y = eval(x * x + x);
  backward(y, tensor<double, S>::full({3, 4}, 1));
  CHECK(x.grad()(1, 1) == 5);
  backward(eval(x * 3), tensor<double, S>::full({3, 4}, 1));
  CHECK(x.grad()(1, 1) == 8);
  x.clear_grad();
  CHECK_FALSE(x.has_grad());
}

TEST_CASE("a gradient that is not there is an error that says why, and can be asked for") {
  auto x = var<double, S>::leaf(tensor<double, S>::full({3, 4}, 2));
  const auto y = eval(x * x);
  const var<double, S> constant(tensor<double, S>::full({3, 4}, 2));
  CHECK((!x.has_grad() && !y.has_grad() && !constant.has_grad()));
  CHECK_THROWS_WITH_AS(x.grad(), doctest::Contains("dcs::var::grad: a var of sizes [3, 4] has no gradient: it is a leaf that no backward"), error);
  CHECK_THROWS_WITH_AS(y.grad(), doctest::Contains("has no gradient: it is the result of an op, and only leaves keep their gradient"), error);
  CHECK_THROWS_WITH_AS(constant.grad(), doctest::Contains("has no gradient: it is a constant"), error);
  backward(y, tensor<double, S>::full({3, 4}, 1));
  CHECK(x.has_grad());
  CHECK(x.grad()(2, 3) == 4);
  CHECK(!y.has_grad());
  CHECK_THROWS_WITH_AS(y.grad(), doctest::Contains("it is the result of an op"), error);
  x.clear_grad();
  CHECK_THROWS_WITH_AS(x.grad(), doctest::Contains("it is a leaf"), error);
}

TEST_CASE("backward of an expression is that of its value") {
  const auto ones = [] { return tensor<double, shape<>>::full({}, 2); };
  const auto a = var<double, shape<>>::leaf(ones()), b = var<double, shape<>>::leaf(ones());
  backward(a * b + a);
  CHECK(a.grad().item() == 3);
  CHECK(b.grad().item() == 2);
}

TEST_CASE("constants record nothing; tensors stay tensors") {
  const var<double, S> constant(tensor<double, S>::full({1, 4}, 1));
  const auto y = eval(relu(constant * 2));
  static_assert(std::is_same_v<decltype(y), const var<double, S>>);
  CHECK_FALSE(y.recorded());
  static_assert(std::is_same_v<decltype(eval(relu(constant.value() * 2))), tensor<double, S>>);
  auto leaf = var<double, S>::leaf(constant.value());
  CHECK_THROWS_AS(backward(eval(leaf * 2)), error);  // not a scalar
}

TEST_CASE("buffers are freed during the backward pass: a chain of 20") {
  constexpr extent_t n = 1 << 16, bytes = n * 4 * 8;
  auto x = var<double, S>::leaf(tensor<double, S>::full({n, 4}, 0.5));
  const auto before = host_allocator::get().statistics().live_bytes;
  {
    auto y = eval(sigmoid(x));
    for (int i = 1; i < 20; ++i) y = eval(sigmoid(y));
    auto total = tensor<double, S>::full({n, 4}, 1);
    host_allocator::get().reset_statistics();
    const auto held = host_allocator::get().statistics().live_bytes - before;
    CHECK(held <= 22 * bytes);
    backward(y, total);
    // Besides the memory of the forward pass: the gradient of a step's result, and that of its input.
    CHECK(host_allocator::get().statistics().peak_bytes - before <= held + 3 * bytes);
    CHECK(host_allocator::get().statistics().live_bytes - before <= 4 * bytes);  // y, the seed, x's gradient
  }
  CHECK(host_allocator::get().statistics().live_bytes - before <= bytes);
}
