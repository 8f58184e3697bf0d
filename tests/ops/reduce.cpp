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

namespace {

// Σ over the axes of x (up to four) that `Axes` names, element by element in long double.
template <class S, int... Axes>
void check_large_sum(const sizes<S::rank>& n) {
  CAPTURE(to_string(n));
  const auto x = random_normal<float, S>(n, {4, 1});
  auto kept = n;
  for (const int axis : {Axes...}) kept[static_cast<std::size_t>(axis)] = 1;
  std::vector<long double> wanted(static_cast<std::size_t>(count(kept)), 0);
  for (extent_t i = 0; i < x.size(); ++i) {
    extent_t rest = i, at = 0, step = 1;
    for (std::size_t d = n.size(); d-- > 0;) {
      at += kept[d] == 1 ? 0 : rest % n[d] * step;
      rest /= n[d], step *= kept[d];
    }
    wanted[static_cast<std::size_t>(at)] += static_cast<long double>(x.data()[i]);
  }
  auto& memory = host_allocator::get();
  std::vector<std::vector<float>> found;
  for (const int threads : {1, 3, 4}) {
    set_threads(threads);
    memory.reset_statistics();
    const auto before = memory.statistics().live_bytes;
    const auto y = sum<Axes...>(x);
    // Beside the result, and what rounds its size up: 32,768 doubles.
    CHECK(memory.statistics().peak_bytes - before <= y.bytes() + y.bytes() / 4 + (1 << 18) + 4096);
    found.emplace_back(y.data(), y.data() + y.size());
  }
  set_threads(2);
  CHECK(found[0] == found[1]);
  CHECK(found[0] == found[2]);
  double worst = 0;
  for (std::size_t i = 0; i < wanted.size(); ++i)
    worst = std::max(worst, static_cast<double>(std::abs(static_cast<long double>(found[0][i]) - wanted[i]) / std::max(1.0L, std::abs(wanted[i]))));
  CHECK(worst < 1e-7);
}

}  // namespace

TEST_CASE("sums take memory near that of their result, whichever axes are long, and have the same bits with any number of threads") {
  using A = shape<dyn<"a">, dyn<"b">>;
  using B = shape<dyn<"a">, dyn<"b">, dyn<"c">, dyn<"d">>;
  check_large_sum<A, 0>({1500, 1700});  // columns stay
  check_large_sum<A, 0>({3, 700001});
  check_large_sum<A, 1>({150001, 9});  // rows are summed
  check_large_sum<A, 1>({3000, 513});
  check_large_sum<B, 0, 2>({40, 50, 30, 41});  // stay and go in turn
  check_large_sum<B, 1, 3>({170, 9, 180, 7});
  check_large_sum<B, 0>({2, 120, 130, 40});
  check_large_sum<B, 0, 1, 2, 3>({40, 50, 30, 41});  // few results: chunks are tasks
  check_large_sum<A, 0>({200000, 7});
}

TEST_CASE("many results have the same bits as few: both ways sum the same chunks of rows in order") {
  using A = shape<dyn<"a">, dyn<"b">>;
  const auto x = random_normal<float, A>({900, 2000}, {4, 2});
  const auto all = sum<0>(x);
  std::vector<double> wanted(2000, 0);
  for (extent_t chunk = 0; chunk < 32; ++chunk) {
    std::vector<double> sums(2000, 0);
    for (extent_t i = 900 * chunk / 32; i < 900 * (chunk + 1) / 32; ++i)
      for (extent_t j = 0; j < 2000; ++j) sums[static_cast<std::size_t>(j)] += static_cast<double>(x(i, j));
    for (std::size_t j = 0; j < 2000; ++j) wanted[j] += sums[j];
  }
  for (extent_t j = 0; j < 2000; ++j) REQUIRE(all(0, j) == static_cast<float>(wanted[static_cast<std::size_t>(j)]));
}
