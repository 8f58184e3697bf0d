#include <dcs/expr/activations.hpp>
#include <dcs/expr/gradcheck.hpp>
#include <dcs/ops/reduce/reduce.hpp>

#include "../ops/check_op.hpp"

#include <doctest/doctest.h>

using namespace dcs;

namespace {
using row = shape<dyn<"n">, dyn<"m">>;
using vector = shape<dyn<"m">>;
}  // namespace

TEST_CASE("activations and selections pass the gradient check, with and without broadcasting") {
  test::for_each_isa([] {
    for (extent_t n : {0, 1, 2, 5})
      for (extent_t m : {1, 3, 7, 16, 19}) {
        const auto x = random_normal<double, row>({n, m}, {1, 1}), y = random_normal<double, row>({n, m}, {1, 2});
        const auto c = random_normal<double, vector>({m}, {1, 3});
        const random_stream s{3, 3};
        const auto passes = [&](const auto& f, const auto&... inputs) { CHECK(gradcheck(f, s, 12, inputs...) < 1e-6); };
        passes([](const auto& a) { return erf(a); }, x);
        passes([](const auto& a) { return gelu(a); }, x);
        passes([](const auto& a) { return gelu_tanh(a); }, x);
        passes([](const auto& a) { return silu(a); }, x);
        passes([](const auto& a) { return hard_sigmoid(a); }, x);
        passes([](const auto& a) { return hard_swish(a); }, x);
        passes([](const auto& a) { return softplus(a); }, x);
        passes([](const auto& a) { return mish(a); }, x);
        passes([](const auto& a) { return leaky_relu(a, 0.2); }, x);
        passes([](const auto& a) { return elu(a, 1.5); }, x);
        passes([](const auto& a) { return clip(a, -0.5, 1); }, x);
        passes([](const auto& a) { return pow(a, 3); }, x);
        passes([](const auto& a, const auto& d) { return prelu(a, d); }, x, c);
        passes([](const auto& a, const auto& b, const auto& d) { return where(less(a, d), a * d, b) + pow(square(b) + 1, clip(a, b, d)); }, x, y, c);
      }
  });
}

TEST_CASE_TEMPLATE("activations and selections equal PyTorch's, far from 0 and at their corners too", T, float, double) {
  const auto file = test::goldens("pointwise");
  const auto one = [&](const std::string& name, const auto& f) { test::check_op<T, row>(file, name, {"x"}, f); };
  test::for_each_isa([&] {
    for (const char* suffix : {"", ".far", ".ties"}) {
      const auto name = [suffix](const char* function) { return std::string(function) + suffix; };
      one(name("erf"), [](const auto& x) { return erf(x); });
      one(name("gelu"), [](const auto& x) { return gelu(x); });
      one(name("gelu_tanh"), [](const auto& x) { return gelu_tanh(x); });
      one(name("silu"), [](const auto& x) { return silu(x); });
      one(name("hard_sigmoid"), [](const auto& x) { return hard_sigmoid(x); });
      one(name("hard_swish"), [](const auto& x) { return hard_swish(x); });
      one(name("mish"), [](const auto& x) { return mish(x); });
      one(name("leaky_relu"), [](const auto& x) { return leaky_relu(x, 0.1); });
      one(name("elu"), [](const auto& x) { return elu(x, 1.5); });
      one(name("relu6"), [](const auto& x) { return clip(x, 0, 6); });
      one(name("pow3"), [](const auto& x) { return pow(x, 3); });
    }
    test::check_op<T, row, vector>(file, "prelu", {"a", "b"}, [](const auto& a, const auto& b) { return prelu(a, b); });
    test::check_op<T, row, row, row>(file, "clip", {"input", "min", "max"},
                                     [](const auto& x, const auto& a, const auto& b) { return clip(x, a, b); });
    test::check_op<T, row, row>(file, "pow", {"input", "exponent"}, [](const auto& x, const auto& p) { return pow(x, p); });
    test::check_op<T, row, row, vector>(file, "where", {"c", "a", "b"},
                                        [](const auto& c, const auto& a, const auto& b) { return where(greater(c, 0.25), a, b * c); });
  });
}

TEST_CASE_TEMPLATE("erf, softplus, elu and mish are within 8 units in the last place where they are not 0", T, float, double) {
  constexpr extent_t n = 4001;
  auto x = tensor<T, shape<n>>::empty();
  for (extent_t i = 0; i < n; ++i) x(i) = static_cast<T>(-12 + 24.0 * static_cast<double>(i) / (n - 1));
  const auto error = [&](const auto& y, const auto& wanted) {
    long double worst = 0;
    for (extent_t i = 0; i < n; ++i) {
      const long double v = static_cast<long double>(x(i)), w = wanted(v);
      if (w != 0)
        worst = std::max(worst, std::abs(static_cast<long double>(y(i)) / w - 1) / static_cast<long double>(std::numeric_limits<T>::epsilon()));
    }
    return worst;
  };
  test::for_each_isa([&] {
    CHECK(error(eval(erf(x)), [](long double v) { return std::erf(v); }) <= 8);
    CHECK(error(eval(softplus(x)), [](long double v) { return std::log1p(std::exp(v)); }) <= 8);
    CHECK(error(eval(elu(x)), [](long double v) { return v > 0 ? v : std::expm1(v); }) <= 8);
    CHECK(error(eval(mish(x)), [](long double v) { return v * std::tanh(std::log1p(std::exp(v))); }) <= 8);
    const T inf = std::numeric_limits<T>::infinity();
    const auto ends = tensor<T, shape<3>>::from(std::vector<T>{inf, -inf, T(NAN)});
    const auto e = eval(erf(ends)), s = eval(softplus(ends)), m = eval(mish(ends)), c = eval(clip(ends, -1, 2)), h = eval(hard_swish(ends));
    CHECK((e(0) == 1 && e(1) == -1 && std::isnan(e(2)) && s(0) == inf && s(1) == 0 && std::isnan(s(2)) && m(0) == inf && std::isnan(m(2))));
    const auto far = var<T, shape<2>>::leaf(tensor<T, shape<2>>::from(std::vector<T>{T(1e17), T(-1e17)}));
    backward(sum_all(mish(far)));
    CHECK((far.grad()(0) == 1 && far.grad()(1) == 0));
    CHECK((c(0) == 2 && c(1) == -1 && std::isnan(c(2)) && h(0) == inf && std::isnan(h(2))));
  });
}

TEST_CASE("comparisons are 0 or 1, NaN equals nothing, and what is not selected has no gradient") {
  const auto x = tensor<double, shape<4>>::from(std::vector<double>{-1, 0, 2, NAN});
  const auto is = [](const auto& y, std::vector<double> wanted) { return std::equal(wanted.begin(), wanted.end(), eval(y).data()); };
  CHECK((is(greater(x, 0), {0, 0, 1, 0}) && is(greater_equal(x, 0), {0, 1, 1, 0}) && is(less(x, 0), {1, 0, 0, 0})));
  CHECK((is(less_equal(x, 0), {1, 1, 0, 0}) && is(equal(x, 2), {0, 0, 1, 0}) && is(not_equal(x, x), {0, 0, 0, 1})));
  const auto v = var<double, shape<4>>::leaf(x);
  backward(sum_all(where(equal(v, v), v * 2, 7)));
  const auto& g = v.grad();
  CHECK((g(0) == 2 && g(3) == 0));
  // The gradient of what is compared is not asked for, where it may be infinite.
  const auto zero = var<double, shape<1>>::leaf(tensor<double, shape<1>>::zeros());
  backward(sum_all(where(less(sqrt(zero), 1), zero * 3, 0)));
  CHECK(zero.grad()(0) == 3);
}
