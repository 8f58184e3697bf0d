#include <dcs/expr/gradcheck.hpp>
#include <dcs/ops/matmul/matmul.hpp>
#include <dcs/ops/rearrange/rearrange.hpp>
#include <dcs/ops/reduce/reduce.hpp>

#include "check_op.hpp"

#include <doctest/doctest.h>

using namespace dcs;

using map_t = shape<dyn<"n">, dyn<"h">, 3, 4>;

TEST_CASE("slice, concat, permute and reshape: gradients") {
  test::for_each_isa([] {
    for (extent_t n : {0, 1, 2, 3})
      for (extent_t h : {1, 2, 5, 6, 7}) {
        const auto x = random_normal<double, map_t>({n, h, 3, 4}, {1, 1});
        const auto y = random_normal<double, shape<dyn<"n">, dyn<"h">, 3, 2>>({n, h, 3, 2}, {1, 2});
        CHECK(gradcheck([](const auto& a) { return slice<3, 1, 2>(a); }, {3, 3}, 12, x) < 1e-6);
        CHECK(gradcheck([](const auto& a) { return slice<2, 2>(a) * 3; }, {3, 3}, 12, x) < 1e-6);
        CHECK(gradcheck([](const auto& a, const auto& b) { return concat<3>(a, b, a); }, {3, 3}, 12, x, y) < 1e-6);
        CHECK(gradcheck([](const auto& a) { return permute<0, 3, 1, 2>(a); }, {3, 3}, 12, x) < 1e-6);
        CHECK(gradcheck([](const auto& a) { return permute<2, 1, 0, 3>(a); }, {3, 3}, 12, x) < 1e-6);
        CHECK(gradcheck([](const auto& a) { return reshape<shape<dyn<"n">, dyn<"tokens">, 4>>(a); }, {3, 3}, 12, x) < 1e-6);
        CHECK(gradcheck([](const auto& a) { return sum<1, 2>(square(a)); }, {3, 3}, 12, x) < 1e-6);
        CHECK(gradcheck([](const auto& a) { return mean<2, 3>(square(a)); }, {3, 3}, 12, x) < 1e-6);
        CHECK(gradcheck([](const auto& a) { return sum_all(square(a)); }, {3, 3}, 12, x) < 1e-6);
        // Along named axes.
        const auto z = random_normal<double, shape<dyn<"n">, dyn<"k">, 3, 4>>({n, h + 1, 3, 4}, {1, 3});
        CHECK(gradcheck([](const auto& a, const auto& b) { return square(concat<1>(a, b, a)); }, {3, 3}, 12, x, z) < 1e-6);
        CHECK(gradcheck([](const auto& a) { return square(concat<0>(a, a)); }, {3, 3}, 12, x) < 1e-6);
        CHECK(gradcheck([](const auto& a) { return slice<1, 0>(a) * 3; }, {3, 3}, 12, x) < 1e-6);
        CHECK(gradcheck([](const auto& a) { return slice<1, 1, minus(dyn<"k">, 1)>(a) * 3; }, {3, 3}, 12, z) < 1e-6);
        CHECK(gradcheck([](const auto& a) { return reshape<shape<times(dyn<"n">, 3), times(dyn<"h">, 4)>>(square(a)); }, {3, 3}, 12, x) < 1e-6);
      }
  });
}

namespace {
template <class S, class X>
constexpr bool has_shape = std::is_same_v<shape_t<X>, S>;
}

TEST_CASE("concat along a named axis has the sum as its type") {
  constexpr extent a = dyn<"a">, b = dyn<"b">;
  const auto x = tensor<double, shape<a, 2>>::from(std::vector<double>{1, 2}, {1, 2});
  const auto y = tensor<double, shape<b, 2>>::from(std::vector<double>{3, 4, 5, 6}, {2, 2});
  const auto z = tensor<double, shape<1, 2>>::from(std::vector<double>{7, 8});
  const auto all = concat<0>(y, x, z, y);
  static_assert(has_shape<shape<plus(plus(a, times(b, 2)), 1), 2>, decltype(all)>);
  const double joined[] = {3, 4, 5, 6, 1, 2, 7, 8, 3, 4, 5, 6};
  REQUIRE(all.sizes() == sizes<2>{6, 2});
  for (extent_t i = 0; i < 12; ++i) CHECK(all.data()[i] == joined[i]);
  // Both orders have one type and can be added; sums of other sizes cannot.
  CHECK(eval(concat<0>(x, y) + concat<0>(y, x))(0, 0) == 4);
  CHECK_THROWS_WITH_AS(eval(concat<0>(x, y) + concat<0>(x, tensor<double, shape<b, 2>>::zeros({3, 2}))), doctest::Contains("(a+b)"), error);
  CHECK_THROWS_WITH_AS((concat<0>(x, tensor<double, shape<a, 2>>::zeros({2, 2}))), doctest::Contains("axis 0 (a) of sizes [2, 2] is 2"), error);
  // No images, and an axis after the first without elements.
  CHECK(concat<0>(tensor<double, shape<a, 2>>::zeros({0, 2}), y).sizes() == sizes<2>{2, 2});
  const auto none = tensor<double, shape<2, a>>::empty({2, 0});
  CHECK_THROWS_WITH_AS((concat<1>(none, tensor<double, shape<2, 3>>::zeros())), doctest::Contains("are 0 at axis 1"), error);
  // Sizes that no array has: arrays of no elements take no memory.
  const auto huge = tensor<double, shape<dyn<"n">, a>>::empty({0, extent_t{1} << 57});
  CHECK_THROWS_WITH_AS((concat<1>(huge, huge, huge, huge, huge, huge, huge, huge, huge)), doctest::Contains("dcs::tensor: "), error);
}

TEST_CASE("slices of a named axis: a number of its elements, or all but a number") {
  constexpr extent h = dyn<"h">;
  const auto x = tensor<double, shape<1, h, 1>>::from(std::vector<double>{1, 2, 3, 4, 5}, {1, 5, 1});
  const auto two = eval(slice<1, 3, 2>(x));
  static_assert(has_shape<shape<1, 2, 1>, decltype(two)>);
  CHECK((two(0, 0, 0) == 4 && two(0, 1, 0) == 5));
  CHECK_THROWS_WITH_AS(eval(slice<1, 4, 2>(x)), doctest::Contains("dcs::slice: begin 4 + length 2 along axis 1 (h) of size 5"), error);
  const auto later = eval(slice<1, 1, minus(h, 1)>(x));
  static_assert(has_shape<shape<1, minus(h, 1), 1>, decltype(later)>);
  CHECK((later.sizes() == sizes<3>{1, 4, 1} && later(0, 0, 0) == 2 && later(0, 3, 0) == 5));
  const auto differences = eval(slice<1, 1, minus(h, 1)>(x) - slice<1, 0, minus(h, 1)>(x));
  static_assert(has_shape<shape<1, minus(h, 1), 1>, decltype(differences)>);
  CHECK((differences(0, 0, 0) == 1 && differences(0, 3, 0) == 1));
  // Concatenated again the extent has its name again.
  static_assert(has_shape<shape<1, h, 1>, decltype(concat<1>(slice<1, 0, 1>(x), slice<1, 1, minus(h, 1)>(x)))>);
  const auto one = tensor<double, shape<1, h, 1>>::zeros({1, 1, 1});
  CHECK_THROWS_WITH_AS(eval(slice<1, 1, minus(h, 1)>(one)), doctest::Contains("are 0 at axis 1"), error);
  CHECK_THROWS_WITH_AS(eval(slice<1, 1, minus(h, 2)>(one)), doctest::Contains("dcs::slice: begin 1 + length -1 along axis 1 (h) of size 1"), error);
  const auto images = tensor<double, shape<h, 2>>::zeros({0, 2});
  CHECK_THROWS_WITH_AS(eval(slice<0, 0>(images)), doctest::Contains("of size 0"), error);
}

TEST_CASE("reshape: names that both shapes have cancel, with their factors") {
  constexpr extent n = dyn<"n">, h = dyn<"h">, w = dyn<"w">;
  const auto x = tensor<double, shape<n, 4, h, 6>>::zeros({3, 4, 5, 6});
  CHECK(reshape<shape<n, times(h, 24)>>(x).sizes() == sizes<2>{3, 120});
  CHECK(reshape<shape<times(n, 4), h, 2, 3>>(x).sizes() == sizes<4>{12, 5, 2, 3});
  CHECK(reshape<shape<times(h, 2), times(n, 12)>>(x).sizes() == sizes<2>{10, 36});
  CHECK(reshape<shape<dyn<"all">>>(x).sizes() == sizes<1>{360});
  CHECK(reshape<shape<times(n, 2), dyn<"rest">>>(x).sizes() == sizes<2>{6, 60});
  const auto y = tensor<double, shape<times(n, 4), minus(times(h, 2), 2)>>::zeros({12, 8});
  CHECK(reshape<shape<n, 8, minus(h, 1)>>(y).sizes() == sizes<3>{3, 8, 4});
  CHECK(reshape<shape<n, 2, dyn<"rest">>>(y).sizes() == sizes<3>{3, 2, 16});
  // What cannot be told by the types is checked here.
  const auto z = tensor<double, shape<n, w>>::zeros({3, 7});
  CHECK_THROWS_WITH_AS((reshape<shape<n, 2, dyn<"rest">>>(z)),
                       doctest::Contains("dcs::reshape: sizes [3, 7] hold 21 elements; [n, 2, rest] does not"), error);
  CHECK_THROWS_WITH_AS((reshape<shape<n, 8>>(z)), doctest::Contains("[n, 8] does not"), error);
  CHECK_THROWS_WITH_AS((reshape<shape<dyn<"a">, dyn<"b">>>(z)), doctest::Contains("more than one extent of [a, b] is unknown"), error);
  const auto half = tensor<double, shape<divided(h, 2), 4>>::zeros({3, 4});  // h is 5 or 6, and is computed to be 12
  CHECK_THROWS_WITH_AS((reshape<shape<h>>(half)), doctest::Contains("(h) of sizes [12] is 12, but axis 0 (h/2)"), error);
}

TEST_CASE("concat along an inner axis, and the mean of everything: gradients") {
  test::for_each_isa([] {
    for (extent_t n : {0, 1, 2, 3})
      for (extent_t w : {1, 2, 5, 6, 7}) {
        const auto x = random_normal<double, shape<dyn<"n">, 2, dyn<"w">, 4>>({n, 2, w, 4}, {1, 1});
        const auto y = random_normal<double, shape<dyn<"n">, 3, dyn<"w">, 4>>({n, 3, w, 4}, {1, 2});
        const auto z = random_normal<double, shape<dyn<"n">, 1, dyn<"w">, 4>>({n, 1, w, 4}, {1, 3});
        CHECK(gradcheck([](const auto& a, const auto& b, const auto& c) { return square(concat<1>(a, b, c, a)); }, {3, 3}, 12, x, y, z) < 1e-6);
        const auto m = random_normal<double, map_t>({n + 1, w, 3, 4}, {1, 4});  // none to average is an error
        CHECK(gradcheck([](const auto& a) { return mean_all(square(a)); }, {3, 3}, 12, m) < 1e-6);
      }
  });
  CHECK_THROWS_WITH_AS(mean_all(tensor<double, map_t>::empty({0, 2, 3, 4})), doctest::Contains("nothing to average in sizes [0, 2, 3, 4]"), error);
}

TEST_CASE("values by hand") {
  const auto x = tensor<double, shape<2, 3>>::from(std::vector<double>{1, 2, 3, 4, 5, 6});
  const auto t = permute<1, 0>(x);
  CHECK(t(2, 0) == 3);
  CHECK(t(0, 1) == 4);
  const auto s = eval(slice<1, 1, 2>(x));
  CHECK(s(1, 0) == 5);
  const auto c = concat<0>(x, s.defined() ? x : x);
  CHECK(c(3, 2) == 6);
  const auto a = tensor<double, shape<2, 1, 2>>::from(std::vector<double>{1, 2, 3, 4});
  const auto b = tensor<double, shape<2, 2, 2>>::from(std::vector<double>{5, 6, 7, 8, 9, 10, 11, 12});
  const auto ab = concat<1>(a, b);
  const double joined[] = {1, 2, 5, 6, 7, 8, 3, 4, 9, 10, 11, 12};
  REQUIRE(ab.sizes() == sizes<3>{2, 3, 2});
  for (extent_t i = 0; i < 12; ++i) CHECK(ab.data()[i] == joined[i]);
  CHECK(sum_all(x).item() == 21);
  CHECK(mean_all(x).item() == 3.5);
  CHECK(sum<0>(x)(0, 1) == 7);
  CHECK(mean<1>(x)(1, 0) == 5);
  CHECK(reshape<shape<3, 2>>(x)(2, 1) == 6);
  CHECK(reshape<shape<3, 2>>(x).memory() == x.memory());
}

TEST_CASE("extents of 0 after the first axis are errors; for an empty batch the result is empty") {
  for (const extent_t h : {0, 4}) {
    const auto x = tensor<double, shape<dyn<"n">, dyn<"h">, dyn<"w">, 2>>::empty({2, h, 4 - h, 2});
    const auto refused = [&](const char* op, const auto& f) {
      const std::string words = std::string(op) + ": sizes " + to_string(x.sizes()) + " are 0 at axis " + (h == 0 ? "1" : "2");
      CHECK_THROWS_WITH_AS(f(), doctest::Contains(words.c_str()), error);
    };
    refused("dcs::concat", [&] { return concat<3>(x, x); });
    refused("dcs::reshape", [&] { return reshape<shape<dyn<"n">, dyn<"pixel">, 2>>(x); });
    refused("dcs::sum", [&] { return sum<1, 2>(x); });
    refused("dcs::sum", [&] { return sum<0>(x); });
    refused("dcs::mean", [&] { return mean<3>(x); });
    refused("dcs::sum_all", [&] { return sum_all(x); });
    refused("dcs::mean_all", [&] { return mean_all(x); });
  }
  const auto none = tensor<double, shape<dyn<"n">, dyn<"h">, dyn<"w">, 2>>::empty({0, 3, 4, 2});
  CHECK(concat<3>(none, none).sizes() == sizes<4>{0, 3, 4, 4});
  CHECK(reshape<shape<dyn<"n">, 12, 2>>(none).sizes() == sizes<3>{0, 12, 2});
  CHECK(sum<1, 2>(none).sizes() == sizes<4>{0, 1, 1, 2});
  CHECK(sum_all(none).item() == 0);
}

TEST_CASE_TEMPLATE("slice, concat, permute, transpose and reshape equal PyTorch's, forward and backward", T, float, double) {
  using X = shape<dyn<"n">, 3, dyn<"w">, 5>;
  using L = shape<dyn<"n">, dyn<"m">>;
  const auto file = test::goldens("rearrange");
  constexpr double exactly = 1e-300;  // elements move, and gradients of f32 are the sums of few of them
  constexpr double sums = sizeof(T) == 8 ? exactly : test::tolerance<T>;
  test::for_each_isa([&] {
    test::check_op<T, X>(
        file, "slice.channels", {"x"}, [](const auto& x) { return slice<3, 1, 3>(x); }, exactly);
    test::check_op<T, X>(
        file, "slice.last", {"x"}, [](const auto& x) { return slice<-1, 4>(x); }, exactly);
    test::check_op<T, X>(
        file, "slice.row", {"x"}, [](const auto& x) { return slice<1, 1>(x); }, exactly);
    test::check_op<T, shape<2, 3, 4, 5>>(
        file, "slice.image", {"x"}, [](const auto& x) { return slice<0, 1>(x); }, exactly);
    test::check_op<T, X, shape<dyn<"n">, 3, dyn<"w">, 2>, shape<dyn<"n">, 3, dyn<"w">, 1>>(
        file, "concat.channels", {"a", "b", "c"}, [](const auto& a, const auto& b, const auto& c) { return concat<3>(a, b, c, a); }, sums);
    test::check_op<T, X, shape<dyn<"n">, 2, dyn<"w">, 5>>(
        file, "concat.rows", {"a", "b"}, [](const auto& a, const auto& b) { return concat<1>(a, b); }, exactly);
    test::check_op<T, shape<2, 3, dyn<"w">, 5>, shape<1, 3, dyn<"w">, 5>>(
        file, "concat.images", {"a", "b"}, [](const auto& a, const auto& b) { return concat<0>(a, b, b); }, sums);
    test::check_op<T, shape<dyn<"n">, 3, dyn<"w">, 5>, shape<dyn<"m">, 3, dyn<"w">, 5>>(
        file, "concat.images", {"a", "b"}, [](const auto& a, const auto& b) { return concat<0>(a, b, b); }, sums);
    test::check_op<T, shape<dyn<"n">, dyn<"h">, dyn<"w">, dyn<"c">>>(
        file, "slice.row", {"x"}, [](const auto& x) { return slice<1, 1>(x); }, exactly);
    test::check_op<T, shape<dyn<"n">, dyn<"h">, dyn<"w">, dyn<"c">>>(
        file, "slice.last", {"x"}, [](const auto& x) { return slice<-1, 4>(x); }, exactly);
    test::check_op<T, shape<dyn<"n">, 4, 6>, shape<dyn<"n">, 1, 6>, shape<dyn<"n">, 9, 6>>(
        file, "concat.tokens", {"a", "b", "c"}, [](const auto& a, const auto& b, const auto& c) { return concat<1>(a, b, c); }, exactly);
    test::check_op<T, X>(
        file, "permute.0312", {"x"}, [](const auto& x) { return permute<0, 3, 1, 2>(x); }, exactly);
    test::check_op<T, X>(
        file, "permute.0213", {"x"}, [](const auto& x) { return permute<0, 2, 1, 3>(x); }, exactly);
    test::check_op<T, X>(
        file, "permute.3210", {"x"}, [](const auto& x) { return permute<3, 2, 1, 0>(x); }, exactly);
    test::check_op<T, X>(
        file, "permute.1023", {"x"}, [](const auto& x) { return permute<1, 0, 2, 3>(x); }, exactly);
    test::check_op<T, X>(
        file, "permute.0123", {"x"}, [](const auto& x) { return permute<0, 1, 2, 3>(x); }, exactly);
    test::check_op<T, shape<dyn<"a">, dyn<"b">, 2>>(
        file, "permute.201", {"x"}, [](const auto& x) { return permute<2, 0, 1>(x); }, exactly);
    test::check_op<T, X>(
        file, "transpose", {"x"}, [](const auto& x) { return transpose(x); }, exactly);
    test::check_op<T, L>(
        file, "transpose.long", {"x"}, [](const auto& x) { return transpose(x); }, exactly);
    test::check_op<T, X>(
        file, "reshape.tokens", {"x"}, [](const auto& x) { return reshape<shape<dyn<"n">, dyn<"token">, 5>>(x); }, exactly);
    test::check_op<T, X>(
        file, "reshape.rows", {"x"}, [](const auto& x) { return reshape<shape<dyn<"row">, 20>>(x); }, exactly);
    test::check_op<T, X>(
        file, "reshape.heads", {"x"}, [](const auto& x) { return reshape<shape<dyn<"n">, 3, dyn<"heads">, 2, 5>>(x); }, exactly);
  });
}
