// squeeze, unsqueeze, stack, expand, flip and roll on the host: gradients against differences, values and gradients against PyTorch's, sizes of 0
// and 1.
#include <dcs/expr/gradcheck.hpp>
#include <dcs/ops/rearrange/order.hpp>
#include <dcs/ops/reduce/reduce.hpp>

#include "check_op.hpp"

#include <doctest/doctest.h>

using namespace dcs;

namespace {

constexpr extent n = dyn<"n">, h = dyn<"h">;
using map_t = shape<n, h, 3, 4>;

template <class X, class S>
constexpr bool has_shape = std::is_same_v<shape_t<X>, S>;

}  // namespace

TEST_CASE("squeeze, unsqueeze, stack, expand, flip and roll: gradients") {
  test::for_each_isa([] {
    for (const extent_t images : {0, 1, 2, 3})
      for (const extent_t rows : {1, 2, 5, 6, 7}) {
        const auto x = random_normal<double, map_t>({images, rows, 3, 4}, {1, 1}), y = random_normal<double, map_t>({images, rows, 3, 4}, {1, 2});
        const auto thin = random_normal<double, shape<n, 1, h, 1>>({images, 1, rows, 1}, {1, 3});
        const auto check = [](const auto& f, const auto&... inputs) { CHECK(gradcheck(f, {3, 3}, 12, inputs...) < 1e-6); };
        check([](const auto& a) { return squeeze<1, -1>(square(a)); }, thin);
        check([](const auto& a) { return square(unsqueeze<2>(a)); }, x);
        check([](const auto& a, const auto& b) { return square(stack<1>(a, b, a)); }, x, y);
        check([](const auto& a, const auto& b) { return square(stack<-1>(a, b)); }, x, y);
        if (images > 0) check([](const auto& a) { return square(expand<shape<2, n, 3, h, 4>>(a)); }, thin);
        check([](const auto& a) { return square(expand<shape<n, 3, h, 4>>(a)); }, thin);
        check([&](const auto& a) { return expand<shape<n, dyn<"w">, h, 4>>(a, {images, 5, rows, 4}); }, thin);
        check([](const auto& a, const auto& b) { return square(expand_as(sum<1>(a), b)) * b; }, x, y);
        check([](const auto& a) { return square(flip<1, -1>(a)) * a; }, x);
        check([](const auto& a) { return square(flip<0>(a)); }, x);
        check([=](const auto& a) { return square(roll<1>(a, rows - 4)) * a; }, x);
        check([](const auto& a) { return roll<-1>(a * 2, -3); }, x);
      }
  });
}

TEST_CASE_TEMPLATE("squeeze, unsqueeze, stack, expand, flip and roll equal PyTorch's, forward and backward", T, float, double) {
  using X = shape<n, 3, dyn<"w">, 5>;
  const auto file = test::goldens("axes");
  constexpr double exactly = 1e-300;  // elements move, and gradients of f32 are the sums of few of them
  constexpr double sums = sizeof(T) == 8 ? 1e-15 : test::tolerance<T>;
  const auto same = [&](const char* name, const auto& f) { test::check_op<T, X>(file, name, {"x"}, f, exactly); };
  test::for_each_isa([&] {
    test::check_op<T, shape<n, 1, dyn<"w">, 5>>(
        file, "squeeze.middle", {"x"}, [](const auto& x) { return squeeze<1>(x); }, exactly);
    test::check_op<T, shape<1, 3, dyn<"w">, 1>>(
        file, "squeeze.two", {"x"}, [](const auto& x) { return squeeze<0, -1>(x); }, exactly);
    same("unsqueeze.first", [](const auto& x) { return unsqueeze<0>(x); });
    same("unsqueeze.last", [](const auto& x) { return unsqueeze<-1>(x); });
    same("unsqueeze.middle", [](const auto& x) { return unsqueeze<-3>(x); });
    using P = shape<n, 3, 5>;
    test::check_op<T, P, P>(
        file, "stack.first", {"a", "b"}, [](const auto& a, const auto& b) { return stack<0>(a, b); }, exactly);
    test::check_op<T, P, P>(
        file, "stack.last", {"a", "b"}, [](const auto& a, const auto& b) { return stack<-1>(a, b); }, exactly);
    test::check_op<T, P, P, P>(
        file, "stack.middle", {"a", "b", "c"}, [](const auto& a, const auto& b, const auto& c) { return stack<1>(a, b, c, a); }, sums);
    using Full = shape<2, 3, 4, 5>;
    const auto repeated = [&]<class S>(std::type_identity<S>, const char* name) {
      test::check_op<T, S>(
          file, name, {"x"}, [](const auto& x) { return expand<Full>(x); }, sums);
    };
    repeated(std::type_identity<shape<2, 1, 4, 5>>(), "expand.rows");
    repeated(std::type_identity<shape<2, 3, 4, 1>>(), "expand.channels");
    repeated(std::type_identity<shape<1, 3, 4, 1>>(), "expand.both_ends");
    repeated(std::type_identity<shape<4, 5>>(), "expand.new_axes");
    repeated(std::type_identity<Full>(), "expand.not_at_all");
    test::check_op<T, shape<>>(
        file, "expand.number", {"x"},
        [](const auto& x) {
          return expand<shape<3, h>>(x, {3, 7});
        },
        sums);
    same("flip.0", [](const auto& x) { return flip<0>(x); });
    same("flip.1", [](const auto& x) { return flip<1>(x); });
    same("flip.2", [](const auto& x) { return flip<-2>(x); });
    same("flip.3", [](const auto& x) { return flip<3>(x); });
    same("flip.03", [](const auto& x) { return flip<0, 3>(x); });
    same("flip.12", [](const auto& x) { return flip<1, 2>(x); });
    same("flip.2013", [](const auto& x) { return flip<2, 0, 1, 3>(x); });
    same("roll.0.1", [](const auto& x) { return roll<0>(x, 1); });
    same("roll.1.2", [](const auto& x) { return roll<1>(x, 2); });
    same("roll.1.3", [](const auto& x) { return roll<-3>(x, 3); });
    same("roll.2.-1", [](const auto& x) { return roll<2>(x, -1); });
    same("roll.3.7", [](const auto& x) { return roll<3>(x, 7); });
    same("roll.3.-11", [](const auto& x) { return roll<3>(x, -11); });
  });
}

TEST_CASE("names of extents stay, and axes of size 1 cost no memory") {
  const auto x = random_normal<float, shape<n, 1, h, 1>>({2, 1, 3, 1}, {1, 1});
  const auto squeezed = squeeze<1>(x);
  static_assert(has_shape<decltype(squeezed), shape<n, h, 1>>);
  static_assert(has_shape<decltype(unsqueeze<-1>(squeezed)), shape<n, h, 1, 1>>);
  static_assert(has_shape<decltype(stack<1>(x, x)), shape<n, 2, 1, h, 1>>);
  static_assert(has_shape<decltype(expand<shape<4, n, 8, h, 1>>(x)), shape<4, n, 8, h, 1>>);
  static_assert(has_shape<decltype(roll<2>(flip<2>(x), 1)), shape<n, 1, h, 1>>);
  CHECK(squeezed.memory() == x.memory());
  CHECK(unsqueeze<0>(squeezed).memory() == x.memory());
  CHECK(unsqueeze<0>(squeezed).sizes() == sizes<4>{1, 2, 3, 1});
  CHECK(expand<shape<1, n, 1, h, 1>>(x).memory() == x.memory());
  // Lazy operands are evaluated, and a constant stays one.
  CHECK(flip<0>(x * 2)(0, 0, 0, 0) == 2 * x(1, 0, 0, 0));
  CHECK_FALSE(expand_as(var(x), x).recorded());
  using counted = probe<float, shape<2, 1, 3>>;
  static_assert(has_shape<decltype(expand<shape<2, 5, 3>>(roll<0>(flip<1>(unsqueeze<1>(squeeze<1>(counted()))), 1))), shape<2, 5, 3>>);
  static_assert(has_shape<decltype(stack<0>(counted(), counted())), shape<2, 2, 1, 3>>);
}

TEST_CASE("stack, expand, flip and roll of an empty batch are empty, and their gradients are; other extents of 0 are errors") {
  const auto none = tensor<double, shape<n, 1, 3>>::empty({0, 1, 3});
  CHECK(stack<1>(none, none).sizes() == sizes<4>{0, 2, 1, 3});
  CHECK_THROWS_WITH_AS(stack<0>(none, none), doctest::Contains("dcs::stack: sizes [1, 0, 1, 3] are 0 at axis 1"), error);
  CHECK(expand<shape<n, 4, 3>>(none).sizes() == sizes<3>{0, 4, 3});
  CHECK(flip<0, 2>(none).size() == 0);
  CHECK(roll<0>(none, 5).size() == 0);
  CHECK(roll<2>(none, -5).size() == 0);
  const auto one = var<double, shape<1, 3>>::leaf(tensor<double, shape<1, 3>>::full(2));
  const auto empty = expand<shape<n, 3>>(one, {0, 3});  // repeated no times
  backward(empty, tensor<double, shape<n, 3>>::empty({0, 3}));
  for (const double g : one.grad().values()) CHECK(g == 0);

  const auto bad = tensor<double, shape<n, h, 1>>::empty({2, 0, 1});
  CHECK_THROWS_WITH_AS(squeeze<2>(bad), doctest::Contains("dcs::squeeze: sizes [2, 0, 1] are 0 at axis 1"), error);
  CHECK_THROWS_WITH_AS(unsqueeze<2>(bad), doctest::Contains("dcs::unsqueeze: sizes [2, 0, 1] are 0 at axis 1"), error);
  CHECK_THROWS_WITH_AS(stack<1>(bad, bad), doctest::Contains("dcs::stack: sizes [2, 0, 1] are 0 at axis 1"), error);
  CHECK_THROWS_WITH_AS((expand<shape<n, h, 4>>(bad)), doctest::Contains("dcs::expand: sizes [2, 0, 1] are 0 at axis 1"), error);
  CHECK_THROWS_WITH_AS(flip<0>(bad), doctest::Contains("dcs::flip: sizes [2, 0, 1] are 0 at axis 1"), error);
  CHECK_THROWS_WITH_AS(roll<0>(bad, 1), doctest::Contains("dcs::roll: sizes [2, 0, 1] are 0 at axis 1"), error);
}

TEST_CASE("sizes that do not go together are errors that name them") {
  using S = shape<n, h>;
  const auto a = tensor<float, S>::full({2, 3}, 1), b = tensor<float, S>::full({2, 1}, 1);
  CHECK_THROWS_WITH_AS(stack<0>(a, b), doctest::Contains("dcs::stack: axis 1 (h) of sizes [2, 1] is 1, but axis 1 (h) of sizes [2, 3] is 3"), error);
  CHECK_THROWS_WITH_AS(expand_as(b, a), doctest::Contains("dcs::expand: axis 1 (h) of sizes [2, 3] is 3, but axis 1 (h) of sizes [2, 1] is 1"),
                       error);
  // A size that happens to be 1 does not repeat.
  CHECK_THROWS_WITH_AS(expand<S>(b, {2, 3}), doctest::Contains("dcs::expand: from sizes [2, 1] to [2, 3]: axis 1 is 3"), error);
  CHECK_THROWS_WITH_AS((expand<shape<4, n, h>>(a, {3, 2, 3})),
                       doctest::Contains("dcs::expand: sizes [3, 2, 3] do not fit the shape [4, n, h] at axis 0"), error);
}
