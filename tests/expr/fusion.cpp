// The cost of an evaluation: the number of kernels and of allocations, forward and backward, for tensors and for vars.
#include <dcs/expr/gradcheck.hpp>
#include <dcs/nn/layers.hpp>
#include <dcs/ops/attention/attention.hpp>
#include <dcs/ops/weighted_sum/weighted_sum.hpp>

#include "weighted_equations.hpp"

#include <doctest/doctest.h>

using namespace dcs;

namespace {

struct cost {
  std::int64_t runs = 0, allocations = 0, peak_bytes = 0;
};

// The peak is that above what was alive before.
template <class F>
cost cost_of(F&& f) {
  auto& memory = host_allocator::get();
  memory.reset_statistics();
  const auto before = memory.statistics().live_bytes;
  const auto runs = cpu::kernel_runs();
  f();
  const auto after = memory.statistics();
  return {cpu::kernel_runs() - runs, after.allocations, after.peak_bytes - before};
}

struct both {
  cost forward, backward;
};

// The cost of an equation over leaves. The caller keeps the incoming gradient, as where a value is used twice, so that no kernel may write into it.
template <class F, class... X>
both training_cost(const F& f, const X&... x) {
  const auto dy = [&] {
    const auto y = eval(f(x...));
    return std::remove_cvref_t<decltype(y)>::full(y.sizes(), 1);
  }();
  const auto leaves = std::tuple(var<value_t<X>, shape_t<X>>::leaf(x)...);
  return std::apply(
      [&](const auto&... v) {
        both c;
        result_t<decltype(f(v...))> y;
        c.forward = cost_of([&] { y = eval(f(v...)); });
        c.backward = cost_of([&] { backward(y, dy); });
        CHECK((v.has_grad() && ...));
        return c;
      },
      leaves);
}

using S = shape<dyn<"n">, 7, 6>;
tensor<float, S> some(std::uint64_t stream, extent_t n = 300) { return random_normal<float, S>({n, 7, 6}, {4, stream}); }

template <int C>
using map = shape<2, 9, 8, C>;
template <int C>
tensor<float, map<C>> a_map(std::uint64_t stream) {
  return random_normal<float, map<C>>(map<C>::extents, {5, stream});
}

}  // namespace

TEST_CASE("loops are counted on the thread that starts them: empty ones not, nested ones not, on any number of threads") {
  const int before = threads();
  for (int n : {1, 2, 5}) {
    set_threads(n);
    CHECK(cost_of([] { cpu::parallel_for(0, [](std::int64_t) {}); }).runs == 0);
    for (std::int64_t count : {1, 40})
      CHECK(cost_of([&] { cpu::parallel_for(count, [](std::int64_t) { cpu::parallel_for(3, [](std::int64_t) {}); }); }).runs == 1);
    CHECK(cost_of([] {
            try {
              cpu::parallel_for(3, [](std::int64_t) { fail("stop"); });
            } catch (const error&) {
            }
            cpu::parallel_for(3, [](std::int64_t) {});
          }).runs == 2);
  }
  set_threads(before);
}

TEST_CASE("a chain of tensors is one kernel and one tensor, whatever it broadcasts; an empty one runs nothing") {
  const auto x = some(1), y = some(2);
  const auto c = random_normal<float, shape<6>>({6}, {4, 3});
  for (const cost& k :
       {cost_of([&] { eval(relu(x * 2 + 1) * sigmoid(y) - x); }), cost_of([&] { eval((x + c) * c); }), cost_of([&] { eval(exp(-x)); })}) {
    CHECK(k.runs == 1);
    CHECK(k.allocations == 1);
  }
  const auto none = some(1, 0);
  CHECK(cost_of([&] { eval(relu(none * 2)); }).runs == 0);
}

TEST_CASE("a chain of vars is one kernel forward and one derived kernel backward, with a gradient for each leaf") {
  const auto x = some(1), y = some(2);
  const auto once = training_cost([](const auto& a, const auto& b) { return relu(a * 2 + 1) * sigmoid(b); }, x, y);
  CHECK(once.forward.runs == 1);
  CHECK(once.forward.allocations == 1);
  CHECK(once.backward.runs == 1);
  CHECK(once.backward.allocations == 2);

  // The gradients of a leaf that is used twice are added within the kernel; a constant costs nothing.
  const auto twice = training_cost([&](const auto& a) { return relu(a) * y + tanh(a); }, x);
  CHECK(twice.forward.runs == 1);
  CHECK(twice.backward.runs == 1);
  CHECK(twice.backward.allocations == 1);
  const auto often = training_cost([](const auto& a, const auto& b) { return maximum(tanh(a) - b, a / 3 + square(b)) * a; }, x, y);
  CHECK(often.backward.runs == 1);
  CHECK(often.backward.allocations == 2);

  // The gradient of a broadcast leaf is summed afterwards, which allocates the full gradient, the sum and the partial sums.
  const auto c = random_normal<float, shape<6>>({6}, {4, 3});
  const auto repeated = training_cost([&](const auto& a, const auto& b) { return a * b; }, x, c);
  CHECK(repeated.forward.runs == 1);
  CHECK(repeated.backward.runs == 2);
  CHECK(repeated.backward.allocations == 4);

  // Evaluated in parts, the same equation costs a kernel and a tensor for each.
  const cost parts = cost_of([&] { eval(eval(relu(eval(eval(x * 2) + 1))) * eval(sigmoid(y))); });
  CHECK(parts.runs == 5);
  CHECK(parts.allocations == 5);
}

TEST_CASE("a convolution takes scale, shift, residual and ReLU into its own kernel") {
  const auto x = a_map<16>(1), residual = a_map<16>(2);
  const auto w = random_normal<float, shape<3, 3, 16, 16>>({3, 3, 16, 16}, {5, 3});
  const auto scale = random_normal<float, shape<16>>({16}, {5, 4}), shift = random_normal<float, shape<16>>({16}, {5, 5});
  const cost bare = cost_of([&] { eval(conv2d<1, 1>(x, w)); });
  const cost whole = cost_of([&] { eval(relu(conv2d<1, 1>(x, w) * scale + shift + residual)); });
  CHECK(bare.runs >= 1);
  CHECK(whole.runs == bare.runs);
  CHECK(whole.allocations == bare.allocations);

  const auto bare_training = training_cost([](const auto& a, const auto& b) { return conv2d<1, 1>(a, b); }, x, w);
  const auto training = training_cost([&](const auto& a, const auto& b) { return relu(conv2d<1, 1>(a, b) * scale + shift + residual); }, x, w);
  CHECK(training.forward.runs == bare_training.forward.runs);
  CHECK(training.forward.allocations == bare_training.forward.allocations);
  // One pass for the ReLU into memory of its own (the gradient that came in is held elsewhere); the scale goes into the weights and their gradient.
  CHECK(training.backward.runs == bare_training.backward.runs + 3);
  CHECK(training.backward.allocations == bare_training.backward.allocations + 3);
}

TEST_CASE("batch norm takes residual and ReLU into its own kernels") {
  const auto x = a_map<16>(1), residual = a_map<16>(2);
  const auto gamma = random_normal<float, shape<16>>({16}, {5, 4}), beta = random_normal<float, shape<16>>({16}, {5, 5});
  auto mean = tensor<float, shape<16>>::zeros(), variance = tensor<float, shape<16>>::full(1);
  const auto norm = [&](const auto& a) { return batch_norm_training(a, gamma, beta, mean, variance); };
  const auto bare = training_cost([&](const auto& a) { return norm(a); }, x);
  const auto whole = training_cost([&](const auto& a) { return relu(norm(a) + residual); }, x);
  CHECK(bare.forward.runs >= 1);
  CHECK(whole.forward.runs == bare.forward.runs);
  CHECK(whole.forward.allocations == bare.forward.allocations);
  CHECK(whole.backward.runs == bare.backward.runs);
  CHECK(whole.backward.allocations == bare.backward.allocations);
}

TEST_CASE("softmax(QKᵀ/√d)V is one kernel forward and one backward, and never holds the matrix of probabilities") {
  constexpr extent_t heads = 4, length = 512, depth = 8;
  using Q = shape<1, heads, length, depth>;
  const auto q = random_normal<float, Q>(Q::extents, {6, 1}), k = random_normal<float, Q>(Q::extents, {6, 2}),
             v = random_normal<float, Q>(Q::extents, {6, 3});
  const double s = 1 / std::sqrt(double{depth});
  const auto equation = [s](const auto& a, const auto& b, const auto& c) { return matmul(softmax<3>(matmul(a, transpose(b)) * s), c); };
  const int before = threads();
  set_threads(2);
  constexpr std::int64_t probabilities = heads * length * length * 4;
  const cost tensors = cost_of([&] { eval(equation(q, k, v)); });
  CHECK(tensors.runs == 1);
  CHECK(tensors.allocations == cost_of([&] { attention(q, k, v, s); }).allocations);
  CHECK(tensors.peak_bytes < probabilities / 2);
  const auto training = training_cost(equation, q, k, v);
  CHECK(training.forward.runs == 1);
  CHECK(training.forward.allocations == tensors.allocations);
  CHECK(training.backward.runs == 1);
  CHECK(training.backward.peak_bytes < probabilities / 2);
  const cost parts = cost_of([&] { eval(matmul(eval(softmax<3>(eval(eval(matmul(q, eval(transpose(k)))) * s))), v)); });
  CHECK(parts.runs >= 4);
  CHECK(parts.peak_bytes >= probabilities);
  set_threads(before);
}

TEST_CASE("eqs 8 and 9 are one kernel each way; mixed softmaxes and an index used twice are several, with correct values") {
  const auto l = a_map<2>(1), l2 = a_map<2>(2);
  const auto a = a_map<16>(3), b = a_map<16>(4);
  using namespace weighted_equations;
  for (const cost& k : {cost_of([&] { eval(equation(l, l2, a, b)); }), cost_of([&] { eval(turned(l, l2, a, b)); })}) {
    CHECK(k.runs == 1);
    CHECK(k.allocations == 1);
  }
  const auto training = training_cost([&](const auto& x, const auto& p, const auto& q) { return equation(x, l2, p, q); }, l, a, b);
  CHECK(training.forward.runs == 1);
  CHECK(training.forward.allocations == 1);
  CHECK(training.backward.runs == 1);
  CHECK(training.backward.allocations == 3);

  // Unfused: each softmax, each slice, the chain.
  CHECK(cost_of([&] { eval(mixed(l, l2, a, b)); }).runs == 5);
  const auto unfused = training_cost(mixed, l, l2, a, b);
  CHECK(unfused.forward.runs == 5);
  CHECK(unfused.backward.runs > 5);
  const auto p = eval(softmax<channel>(l)), p2 = eval(softmax<channel>(l2));
  using v = var<float, map<2>>;
  using m = var<float, map<16>>;
  auto check = [&](const auto& f, int first, const auto& second_from, int second) {
    const auto y = eval(f(l, l2, a, b));
    const auto recorded = eval(f(v::leaf(l), v::leaf(l2), m::leaf(a), m::leaf(b)));
    for (extent_t i = 0; i < y.size(); ++i) {
      const extent_t pixel = i / 16 * 2;
      const float wanted = p.data()[pixel + first] * a.data()[i] + second_from.data()[pixel + second] * b.data()[i];
      REQUIRE(y.data()[i] == doctest::Approx(static_cast<double>(wanted)).epsilon(1e-5));
      REQUIRE(recorded.data()[i] == y.data()[i]);
    }
  };
  check(equation, 0, p, 1);
  check(turned, 1, p, 0);
  check(mixed, 0, p2, 1);
  check(repeated, 1, p, 1);
}
