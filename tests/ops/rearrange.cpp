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
      }
  });
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
  CHECK_THROWS_AS((reshape<shape<dyn<"a">, dyn<"b">>>(x)), error);
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
