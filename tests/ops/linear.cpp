#include <dcs/expr/gradcheck.hpp>
#include <dcs/ops/linear/linear.hpp>
#include <dcs/ops/matmul/matmul.hpp>

#include "check_op.hpp"

#include <doctest/doctest.h>

using namespace dcs;

namespace {

template <int In, int Out>
void check_linear(extent_t n) {
  const auto x = random_normal<double, shape<dyn<"n">, 2, In>>({n, 2, In}, {1, 1});
  const auto w = random_normal<double, shape<In, Out>>({In, Out}, {1, 2});
  const auto b = random_normal<double, shape<Out>>({Out}, {1, 3});
  CHECK(gradcheck([](const auto& p, const auto& q, const auto& r) { return linear(p, q, r); }, {4, 4}, 10, x, w, b) < 1e-6);
  CHECK(gradcheck([](const auto& p, const auto& q) { return linear(p, q); }, {4, 5}, 10, x, w) < 1e-6);
}

}  // namespace

TEST_CASE("linear: values and gradients") {
  test::for_each_isa([] {
    for (extent_t n : {0, 1, 3, 8}) {
      check_linear<1, 1>(n);
      check_linear<3, 5>(n);
      check_linear<17, 33>(n);
      check_linear<40, 2>(n);
      check_linear<1, 7>(n);
    }
  });
  const auto x = tensor<float, shape<1, 2>>::from(std::vector<float>{1, 2});
  const auto w = tensor<float, shape<2, 2>>::from(std::vector<float>{1, 2, 3, 4});
  const auto y = linear(x, w, tensor<float, shape<2>>::from(std::vector<float>{10, 20}));
  CHECK(y(0, 0) == 17);
  CHECK(y(0, 1) == 30);
}

TEST_CASE("linear of rows without elements is an error; without rows the result is empty") {
  const auto w = tensor<float, shape<3, 2>>::full(1);
  const auto x = tensor<float, shape<dyn<"n">, dyn<"token">, 3>>::empty({2, 0, 3});
  CHECK_THROWS_WITH_AS(linear(x, w), doctest::Contains("dcs::linear: sizes [2, 0, 3] are 0 at axis 1"), error);
  CHECK(linear(tensor<float, shape<dyn<"n">, dyn<"token">, 3>>::empty({0, 5, 3}), w).sizes() == sizes<3>{0, 5, 2});
}

TEST_CASE("matmul: values and gradients, with transposes on either side") {
  test::for_each_isa([] {
    for (extent_t n : {0, 1, 3})
      for (extent_t m : {1, 2, 6, 15})
        for (extent_t k : {1, 4}) {
          const auto a = random_normal<double, shape<dyn<"n">, dyn<"m">, dyn<"k">>>({n, m, k}, {1, 1});
          const auto b = random_normal<double, shape<dyn<"n">, dyn<"k">, 5>>({n, k, 5}, {1, 2});
          const auto at = random_normal<double, shape<dyn<"n">, dyn<"k">, dyn<"m">>>({n, k, m}, {1, 3});
          const auto bt = random_normal<double, shape<dyn<"n">, 5, dyn<"k">>>({n, 5, k}, {1, 4});
          CHECK(gradcheck([](const auto& p, const auto& q) { return matmul(p, q); }, {4, 4}, 10, a, b) < 1e-6);
          CHECK(gradcheck([](const auto& p, const auto& q) { return matmul(transpose(p), q); }, {4, 5}, 10, at, b) < 1e-6);
          CHECK(gradcheck([](const auto& p, const auto& q) { return matmul(p, transpose(q)); }, {4, 6}, 10, a, bt) < 1e-6);
          CHECK(gradcheck([](const auto& p, const auto& q) { return matmul(transpose(p), transpose(q)); }, {4, 7}, 10, at, bt) < 1e-6);
          CHECK(gradcheck([](const auto& p) { return transpose(p); }, {4, 8}, 10, a) < 1e-6);
        }
  });
}

TEST_CASE("matmul: values, and sizes that do not fit") {
  const auto a = tensor<float, shape<1, 2, 3>>::from(std::vector<float>{1, 2, 3, 4, 5, 6});
  const auto b = tensor<float, shape<1, 3, 1>>::from(std::vector<float>{1, 10, 100});
  const auto y = eval(matmul(a, b));
  CHECK(y(0, 0, 0) == 321);
  CHECK(y(0, 1, 0) == 654);
  const auto left = tensor<float, shape<dyn<"n">, dyn<"m">, dyn<"k">>>::zeros({2, 0, 3});
  const auto right = tensor<float, shape<dyn<"n">, dyn<"k">, 4>>::zeros({2, 3, 4});
  CHECK_THROWS_WITH_AS(eval(matmul(left, right)), doctest::Contains("dcs::matmul: sizes [2, 0, 3]"), error);
  const auto other = tensor<float, shape<dyn<"n">, dyn<"k">, 4>>::zeros({3, 3, 4});
  const auto one = tensor<float, shape<dyn<"n">, dyn<"m">, dyn<"k">>>::zeros({2, 1, 3});
  CHECK_THROWS_AS(eval(matmul(one, other)), error);
}

namespace {

template <class T, int In, int Out, extent... Leading>
void check_linear_golden(const io::safetensors& file, const std::string& name) {
  using X = shape<Leading..., In>;
  test::check_op<T, X, shape<In, Out>, shape<Out>>(file, name, {"x", "w", "b"},
                                                   [](const auto& x, const auto& w, const auto& b) { return linear(x, w, b); });
  test::check_op<T, X, shape<In, Out>>(file, name + " unbiased", {"x", "w"}, [](const auto& x, const auto& w) { return linear(x, w); });
}

}  // namespace

TEST_CASE_TEMPLATE("linear equals PyTorch's, forward and backward", T, float, double) {
  const auto file = test::goldens("linear");
  test::for_each_isa([&] {
    check_linear_golden<T, 17, 33, dyn<"n">, 3>(file, "linear");
    check_linear_golden<T, 1, 1, dyn<"n">>(file, "linear one");
    check_linear_golden<T, 40, 2, 2, dyn<"n">>(file, "linear wide");
    check_linear_golden<T, 3, 65, 70>(file, "linear tall");
  });
}

TEST_CASE_TEMPLATE("matmul equals PyTorch's with transposes on either side, forward and backward", T, float, double) {
  using A = shape<dyn<"n">, dyn<"heads">, dyn<"m">, dyn<"k">>;
  using AT = shape<dyn<"n">, dyn<"heads">, dyn<"k">, dyn<"m">>;
  using B = shape<dyn<"n">, dyn<"heads">, dyn<"k">, dyn<"columns">>;
  using BT = shape<dyn<"n">, dyn<"heads">, dyn<"columns">, dyn<"k">>;
  const auto file = test::goldens("linear");
  test::for_each_isa([&] {
    for (const char* i : {"0", "1", "2"}) {
      const auto name = [&](const char* which) { return std::string("matmul.") + which + "." + i; };
      test::check_op<T, A, B>(file, name("nn"), {"a", "b"}, [](const auto& a, const auto& b) { return matmul(a, b); });
      test::check_op<T, AT, B>(file, name("tn"), {"a", "b"}, [](const auto& a, const auto& b) { return matmul(transpose(a), b); });
      test::check_op<T, A, BT>(file, name("nt"), {"a", "b"}, [](const auto& a, const auto& b) { return matmul(a, transpose(b)); });
      test::check_op<T, AT, BT>(file, name("tt"), {"a", "b"}, [](const auto& a, const auto& b) { return matmul(transpose(a), transpose(b)); });
    }
  });
}
