#include <dcs/expr/gradcheck.hpp>
#include <dcs/ops/reduce/reduce.hpp>

#include "check_op.hpp"

#include <doctest/doctest.h>

using namespace dcs;

TEST_CASE("sums and means over any axes pass the gradient check") {
  test::for_each_isa([] {
    for (extent_t n : {0, 1, 2, 3})
      for (extent_t h : {1, 2, 5, 16, 17}) {
        CAPTURE(n);
        CAPTURE(h);
        const auto x = random_normal<double, shape<dyn<"n">, dyn<"h">, 3, dyn<"h">>>({n, h, 3, h}, {1, 1});
        CHECK(gradcheck([](const auto& a) { return sum<0>(square(a)); }, {3, 3}, 12, x) < 1e-6);
        CHECK(gradcheck([](const auto& a) { return sum<3>(square(a)); }, {3, 3}, 12, x) < 1e-6);
        CHECK(gradcheck([](const auto& a) { return sum<1, 2>(square(a)); }, {3, 3}, 12, x) < 1e-6);
        CHECK(gradcheck([](const auto& a) { return sum<0, -1>(square(a)); }, {3, 3}, 12, x) < 1e-6);
        CHECK(gradcheck([](const auto& a) { return sum_all(square(a)); }, {3, 3}, 12, x) < 1e-6);
        CHECK(gradcheck([](const auto& a) { return mean<1>(square(a)); }, {3, 3}, 12, x) < 1e-6);
        CHECK(gradcheck([](const auto& a) { return mean<2, 3>(square(a)); }, {3, 3}, 12, x) < 1e-6);
        if (n == 0) continue;  // none to average is an error
        CHECK(gradcheck([](const auto& a) { return mean<0>(square(a)); }, {3, 3}, 12, x) < 1e-6);
        CHECK(gradcheck([](const auto& a) { return mean_all(square(a)); }, {3, 3}, 12, x) < 1e-6);
      }
  });
  const auto none = tensor<double, shape<dyn<"n">, 3>>::empty({0, 3});
  CHECK_THROWS_WITH_AS(mean<0>(none), doctest::Contains("dcs::mean: nothing to average in sizes [0, 3]"), error);
  CHECK_THROWS_WITH_AS(mean_all(none), doctest::Contains("dcs::mean_all: nothing to average in sizes [0, 3]"), error);
  const auto zero = sum<0>(none);
  REQUIRE(zero.sizes() == sizes<2>{1, 3});
  for (extent_t i = 0; i < 3; ++i) CHECK(zero(0, i) == 0);
}

TEST_CASE_TEMPLATE("sums and means equal PyTorch's over any axes, forward and backward", T, float, double) {
  using X = shape<dyn<"n">, dyn<"h">, 4, 5>;
  using L = shape<dyn<"n">, dyn<"m">>;
  const auto file = test::goldens("reduce");
  const auto both = [&]<int... Axes>(std::integer_sequence<int, Axes...>) {
    const std::string name = (std::to_string(Axes) + ...);
    test::check_op<T, X>(file, "sum." + name, {"x"}, [](const auto& x) { return sum<Axes...>(x); });
    test::check_op<T, X>(file, "mean." + name, {"x"}, [](const auto& x) { return mean<Axes...>(x); });
  };
  test::for_each_isa([&] {
    both(std::integer_sequence<int, 0>{});
    both(std::integer_sequence<int, 1>{});
    both(std::integer_sequence<int, 2>{});
    both(std::integer_sequence<int, 3>{});
    both(std::integer_sequence<int, 1, 2>{});
    both(std::integer_sequence<int, 0, 1, 2>{});
    both(std::integer_sequence<int, 0, 3>{});
    both(std::integer_sequence<int, 0, 1, 2, 3>{});
    test::check_op<T, X>(file, "sum.all", {"x"}, [](const auto& x) { return sum_all(x); });
    test::check_op<T, X>(file, "mean.all", {"x"}, [](const auto& x) { return mean_all(x); });
    test::check_op<T, shape<dyn<"n">>>(file, "vector.sum", {"x"}, [](const auto& x) { return sum<-1>(x); });
    test::check_op<T, shape<dyn<"n">>>(file, "vector.mean", {"x"}, [](const auto& x) { return mean<0>(x); });
    test::check_op<T, shape<dyn<"n">>>(file, "vector.all", {"x"}, [](const auto& x) { return sum_all(x); });
    for (const char* name : {"one", "long"}) {
      test::check_op<T, L>(file, std::string(name) + ".sum", {"x"}, [](const auto& x) { return sum<-1>(x); });
      test::check_op<T, L>(file, std::string(name) + ".mean", {"x"}, [](const auto& x) { return mean<0>(x); });
      test::check_op<T, L>(file, std::string(name) + ".all", {"x"}, [](const auto& x) { return sum_all(x); });
    }
  });
}
