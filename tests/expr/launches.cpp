// The kernels that an equation launches on a device, forward and backward, for tensors and for vars: those that its type selects, and those that run
// where only the values show that a pattern does not apply. Calls of libraries (products, convolutions that are not depthwise) are not logged.
#include <dcs/cuda/gemm.cuh>
#include <dcs/expr/chain.cuh>
#include <dcs/expr/explain.hpp>
#include <dcs/nn/layers.hpp>
#include <dcs/ops/attention/attention.hpp>
#include <dcs/ops/attention/cuda.cuh>
#include <dcs/ops/batch_norm/cuda.cuh>
#include <dcs/ops/conv2d/cuda.cuh>
#include <dcs/ops/rearrange/cuda.cuh>
#include <dcs/ops/softmax/cuda.cuh>
#include <dcs/ops/weighted_sum/cuda.cuh>
#include <dcs/ops/weighted_sum/weighted_sum.hpp>

#include "../cuda/compare.hpp"
#include "weighted_equations.hpp"

using namespace dcs;
using cuda::emulated;
using cuda::launch_log;

namespace {

struct launches {
  std::string forward, backward;
  std::int64_t forward_peak = 0, backward_peak = 0;  // bytes of the device above what was alive before
};

template <class Body>
std::string launched(const Body& body, std::int64_t* peak = nullptr) {
  auto& memory = host_allocator::get();
  memory.reset_statistics();
  const auto before = memory.statistics().live_bytes;
  const launch_log log;
  body();
  if (peak) *peak = memory.statistics().peak_bytes - before;
  return log.kernels();
}
// Of an equation over tensors.
template <class F, class... X>
std::string of_tensors(const F& f, const X&... x) {
  return std::apply([&](const auto&... there) { return launched([&] { eval(f(there...)); }); }, std::tuple(to<emulated>(x)...));
}
// Of an equation over leaves. The gradient that comes in is held by the caller, as where a value is used twice.
template <class F, class... X>
launches of_vars(const F& f, const X&... x) {
  const auto leaves = std::tuple(var<value_t<X>, shape_t<X>, emulated>::leaf(to<emulated>(x))...);
  return std::apply(
      [&](const auto&... v) {
        launches l;
        result_t<decltype(f(v...))> y;
        l.forward = launched([&] { y = eval(f(v...)); }, &l.forward_peak);
        const auto dy = std::remove_cvref_t<decltype(y.value())>::full(y.sizes(), static_cast<value_t<decltype(y)>>(1.0f));
        l.backward = launched([&] { backward(y, dy); }, &l.backward_peak);
        CHECK((v.has_grad() && ...));
        return l;
      },
      leaves);
}
// Checks an equation that launches the same kernels for tensors and for vars.
template <class F, class... X>
void check(const std::string& forward, const std::string& backward, const F& f, const X&... x) {
  CHECK(of_tensors(f, x...) == forward);
  const auto l = of_vars(f, x...);
  CHECK(l.forward == forward);
  CHECK(l.backward == backward);
}
template <class Body>
void in_three_types(const Body& body) {
  body(float{}), body(bf16{}), body(double{});
}
template <class T, class S>
tensor<T, S> normal(std::uint64_t stream, const sizes<S::rank>& n = S::extents) {
  return kernel_test::rounded<T>(random_normal<double, S>(n, {9, stream}));
}
using rows = shape<dyn<"n">, 7, 6>;
template <int C>
using map = shape<2, 5, 4, C>;

}  // namespace

TEST_CASE("a log has the launches during its lifetime, with names and blocks; logs nest; a launch without blocks is not logged") {
  const launch_log outer;
  tensor<float, shape<dyn<"n">>, emulated>::full({300}, 1);
  {
    const launch_log inner;
    tensor<float, shape<dyn<"n">>, emulated>::full({1}, 1);
    tensor<float, shape<dyn<"n">>, emulated>::full({0}, 1);
    CHECK(inner.kernels() == "fill");
    CHECK(inner.entries().size() == 1);
  }
  CHECK(outer.kernels() == "fill, fill");
  CHECK(outer.entries()[0].blocks == 2);
  CHECK(outer.entries()[1].blocks == 1);
}

TEST_CASE("a pointwise chain is one launch forward and one backward in every type; gradients of broadcast leaves are summed after it") {
  in_three_types([](auto t) {
    using T = decltype(t);
    for (extent_t n : {1, 30}) {
      const auto x = normal<T, rows>(1, {n, 7, 6}), y = normal<T, rows>(2, {n, 7, 6});
      check(
          "chain_forward", "chain_backward", [](const auto& a, const auto& b) { return relu(a * 2 + 1) * sigmoid(b); }, x, y);
      check(
          "chain_forward", "chain_backward", [](const auto& a) { return exp(-a); }, x);
      check(
          "chain_forward", "chain_backward", [](const auto& a, const auto& b) { return maximum(tanh(a) - b, a / 3 + square(b)) * a; }, x, y);
    }
    // The gradient of a broadcast leaf is summed after the one launch.
    const auto c = normal<T, shape<6>>(3);
    check(
        "chain_forward", "chain_backward, sum_columns", [](const auto& a, const auto& b) { return relu(a + b) * b; }, normal<T, rows>(1, {30, 7, 6}),
        c);
    CHECK(of_tensors([](const auto& a) { return relu(a * 2); }, normal<T, rows>(1, {0, 7, 6})) == "");
    // Evaluated in parts, a launch for each.
    CHECK(of_tensors([](const auto& a) { return eval(eval(a * 2) + 1); }, normal<T, rows>(1, {2, 7, 6})) == "chain_forward, chain_forward");
  });
}

TEST_CASE("a depthwise convolution takes scale, shift, residual and ReLU into its launch; for a library, weights are transposed first") {
  in_three_types([](auto t) {
    using T = decltype(t);
    const auto x = normal<T, map<8>>(1), residual = normal<T, map<8>>(2);
    const auto filter = normal<T, shape<3, 3, 1, 8>>(3);
    const auto scale = to<emulated>(normal<T, shape<8>>(4)), shift = to<emulated>(normal<T, shape<8>>(5));
    const auto depthwise = [&](const auto& a, const auto& w, const auto& r) { return relu(conv2d<1, 1, 1, 8>(a, w) * scale + shift + r); };
    // Backward: the ReLU, whose result is also the residual's gradient; weights times scale; the three gradients.
    check("depthwise_forward", "chain_backward, chain_forward, depthwise_data_gradient, depthwise_weight_gradient, sum_chunks, chain_forward",
          depthwise, x, filter, residual);
    const auto dense = [&](const auto& a, const auto& w, const auto& r) { return relu(conv2d<1, 1>(a, w) * scale + shift + r); };
    // Weights are transposed, or scaled, before and after the library's call.
    check("transposition", "chain_backward, chain_forward, transposition, transposition, chain_forward", dense, x, normal<T, shape<3, 3, 8, 8>>(6),
          residual);
    check(
        "chain_forward", "chain_backward, chain_forward, chain_forward",
        [&](const auto& a, const auto& w, const auto& r) { return relu(conv2d<1, 0>(a, w) * scale + shift + r); }, x, normal<T, shape<1, 1, 8, 8>>(7),
        residual);
    static_assert(expect_kernel<decltype(dense(to<emulated>(x), to<emulated>(normal<T, shape<3, 3, 8, 8>>(6)), to<emulated>(residual))),
                                kernels::convolution_epilogue>::checked);
  });
}

TEST_CASE("batch norm takes residual and ReLU into its own launches") {
  in_three_types([](auto t) {
    using T = decltype(t);
    const auto x = normal<T, map<16>>(1), residual = normal<T, map<16>>(2);
    const auto gamma = normal<T, shape<16>>(3), beta = normal<T, shape<16>>(4);
    using B = cuda::arithmetic_t<T>;
    const auto mean = tensor<B, shape<16>, emulated>::zeros(), variance = tensor<B, shape<16>, emulated>::full(1);
    const auto norm = [&](const auto& a, const auto& g, const auto& b) { return batch_norm_training(a, g, b, mean, variance); };
    const auto bare = of_vars([&](const auto& a, const auto& g, const auto& b) { return norm(a, g, b); }, x, gamma, beta);
    CHECK(bare.forward == "norm_moments, norm_statistics, norm_forward");
    CHECK(bare.backward == "norm_sums, norm_coefficients, norm_spread");
    const auto whole =
        of_vars([&](const auto& a, const auto& g, const auto& b, const auto& r) { return relu(norm(a, g, b) + r); }, x, gamma, beta, residual);
    CHECK(whole.forward == bare.forward);
    CHECK(whole.backward == bare.backward);
  });
}

TEST_CASE("softmax(QKᵀ/√d)V is one launch, three backward, and never holds the matrix of probabilities") {
  emulated::options().check = false;  // the kernels' own tests check every access
  const auto at = [](auto t, auto depth, extent_t length, const std::string& forward, const std::string& backward) {
    using T = decltype(t);
    constexpr int d = decltype(depth)::value;
    using Q = shape<1, dyn<"h">, dyn<"l">, d>;
    const sizes<4> n{1, 1, length, d};
    const auto q = normal<T, Q>(1, n), k = normal<T, Q>(2, n), v = normal<T, Q>(3, n);
    const double s = 1 / std::sqrt(double{d});
    const auto equation = [s](const auto& a, const auto& b, const auto& c) { return matmul(softmax<3>(matmul(a, transpose(b)) * s), c); };
    static_assert(expect_kernel<decltype(equation(to<emulated>(q), to<emulated>(k), to<emulated>(v))), kernels::attention>::checked);
    CHECK(of_tensors(equation, q, k, v) == forward);
    const auto l = of_vars(equation, q, k, v);
    CHECK(l.forward == forward);
    CHECK(l.backward == backward);
    const auto probabilities = length * length * static_cast<std::int64_t>(sizeof(T));
    CHECK(l.forward_peak < probabilities / 4);
    CHECK(l.backward_peak < probabilities / 4);
  };
  const std::string backward = "attention_delta, attention_backward_keys, attention_backward_queries",
                    wide = "attention_delta, attention_backward_keys_wide, attention_backward_queries_wide";
  at(float{}, std::integral_constant<int, 32>{}, 1360, "attention_forward", backward);
  at(bf16{}, std::integral_constant<int, 32>{}, 1360, "attention_forward", backward);
  at(double{}, std::integral_constant<int, 8>{}, 260, "attention_forward_wide", wide);
  emulated::options().check = true;
  // The same equation in parts holds it.
  using Q = shape<1, 1, 400, 8>;
  std::int64_t peak = 0;
  const auto q = to<emulated>(normal<float, Q>(1));
  launched([&] { eval(matmul(eval(softmax<3>(eval(matmul(q, eval(transpose(q)))))), q)); }, &peak);
  CHECK(peak >= 400 * 400 * 4);
}

TEST_CASE("eqs 8 and 9 are one launch each way; mixed softmaxes and an index used twice are several, with correct values") {
  using namespace weighted_equations;
  in_three_types([&](auto t) {
    using T = decltype(t);
    const auto l = normal<T, map<2>>(1), l2 = normal<T, map<2>>(2);
    const auto a = normal<T, map<16>>(3), b = normal<T, map<16>>(4);
    for (const auto& kernels : {of_tensors(equation, l, l2, a, b), of_tensors(turned, l, l2, a, b)}) CHECK(kernels == "weighted_sum_forward");
    const auto training = of_vars([&](const auto& x, const auto& p, const auto& q) { return equation(x, x, p, q); }, l, a, b);
    CHECK(training.forward == "weighted_sum_forward");
    CHECK(training.backward == "weighted_sum_backward");
    const auto other = of_vars([&](const auto& x, const auto& p, const auto& q) { return turned(x, x, p, q); }, l, a, b);
    CHECK(other.forward == "weighted_sum_forward");
    CHECK(other.backward == "weighted_sum_backward");
    static_assert(
        expect_kernel<decltype(equation(to<emulated>(l), to<emulated>(l2), to<emulated>(a), to<emulated>(b))), kernels::weighted_sum>::checked);

    constexpr auto unfused = "softmax_rows_forward, copy_rows, softmax_rows_forward, copy_rows, chain_forward";
    CHECK(of_tensors(mixed, l, l2, a, b) == unfused);
    const auto recorded = of_vars(mixed, l, l2, a, b);
    CHECK(recorded.forward == unfused);
    CHECK(recorded.backward.find("weighted_sum") == std::string::npos);
    CHECK(of_tensors(repeated, l, l2, a, b).find("weighted_sum") == std::string::npos);
  });
  const auto l = random_normal<double, map<2>>(map<2>::extents, {9, 1}), l2 = random_normal<double, map<2>>(map<2>::extents, {9, 2});
  const auto a = random_normal<double, map<16>>(map<16>::extents, {9, 3}), b = random_normal<double, map<16>>(map<16>::extents, {9, 4});
  kernel_test::compare(mixed, l, l2, a, b);
  kernel_test::compare(turned, l, l2, a, b);
  kernel_test::compare(repeated, l, l2, a, b);
}
