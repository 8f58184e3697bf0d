#include <dcs/expr/explain.hpp>
#include <dcs/expr/gradcheck.hpp>
#include <dcs/loss/functions.hpp>
#include <dcs/ops/rearrange/rearrange.hpp>
#include <dcs/ops/reduce/reduce.hpp>

#include "../ops/check_op.hpp"

#include <doctest/doctest.h>

using namespace dcs;

namespace {
using map_t = shape<dyn<"n">, dyn<"h">, 3>;

struct softsign {
  template <class T>
  static T f(T x) {
    return x / (1 + std::abs(x));
  }
  template <int, class T>
  static T df(T, T x) {
    return 1 / ((1 + std::abs(x)) * (1 + std::abs(x)));
  }
};
}  // namespace

TEST_CASE("every function passes the gradient check, with and without broadcasting") {
  for (auto isa : {cpu::isa::portable, cpu::isa::avx2, cpu::isa::avx512}) {
    if (!cpu::supports(isa)) continue;
    cpu::set_isa(isa);
    for (extent_t n : {0, 1, 2, 5})
      for (extent_t h : {1, 2, 3, 7, 16}) {
        const auto x = random_normal<double, map_t>({n, h, 3}, {1, 1}), y = random_normal<double, map_t>({n, h, 3}, {1, 2});
        const auto c = random_normal<double, shape<3>>({3}, {1, 3});
        const auto r = random_normal<double, shape<dyn<"n">, 1, 1>>({n, 1, 1}, {1, 4});
        const random_stream s{3, 3};
        CHECK(gradcheck([](const auto& a, const auto& b) { return a + b * a - b / (square(a) + 2); }, s, 12, x, y) < 1e-6);
        CHECK(gradcheck([](const auto& a) { return relu(a) + abs(a) + exp(-a) + log(square(a) + 1) + sqrt(square(a) + 1); }, s, 12, x) < 1e-6);
        CHECK(gradcheck([](const auto& a) { return sigmoid(a) * tanh(a); }, s, 12, x) < 1e-6);
        CHECK(gradcheck([](const auto& a, const auto& b) { return maximum(a, b) * minimum(a, b) - maximum(a, 0.1); }, s, 12, x, y) < 1e-6);
        CHECK(gradcheck([](const auto& a, const auto& b, const auto& d) { return (a * b + d) * b; }, s, 12, x, c, r) < 1e-6);
        CHECK(gradcheck([](const auto& a) { return apply<softsign>(a) * 2; }, s, 12, x) < 1e-6);
        CHECK(gradcheck([](const auto& b, const auto& d) { return b * d; }, s, 12, c, r) < 1e-6);
        const auto embedding = random_normal<double, shape<dyn<"h">, 3>>({h, 3}, {1, 5});  // of a position, added to every sequence
        CHECK(gradcheck([](const auto& a, const auto& e) { return a + e; }, s, 12, x, embedding) < 1e-6);
        CHECK(gradcheck([](const auto& a) { return sigmoid(a); }, s, 12, x) < 1e-6);
        CHECK(gradcheck([](const auto& a) { return softplus(a) + apply<functions::smooth_l1<9>>(a); }, s, 12, x) < 1e-6);
      }
  }
}

TEST_CASE("a chain is one kernel and one tensor") {
  const auto x = tensor<float, shape<64, 64>>::full(1);
  const auto e = relu(x * 2 + 1) * sigmoid(x) - x;
  static_assert(expect_kernel<decltype(e), kernels::pointwise_chain>::checked);
  host_allocator::get().reset_statistics();
  const auto y = eval(e);
  CHECK(host_allocator::get().statistics().allocations == 1);
  CHECK(y(3, 3) == doctest::Approx(3 / (1 + std::exp(-1)) - 1));
}

TEST_CASE("f32 functions are accurate over their range, and at its ends") {
  for (auto isa : {cpu::isa::portable, cpu::isa::avx2, cpu::isa::avx512}) {
    if (!cpu::supports(isa)) continue;
    cpu::set_isa(isa);
    const extent_t n = 4001;
    auto x = tensor<float, shape<dyn<"n">>>::empty({n});
    for (extent_t i = 0; i < n; ++i) x(i) = static_cast<float>(-80 + 160.0 * static_cast<double>(i) / static_cast<double>(n - 1));
    const auto e = eval(exp(x)), s = eval(sigmoid(x));
    for (extent_t i = 0; i < n; ++i) {
      const double v = static_cast<double>(x(i));
      CHECK(static_cast<double>(e(i)) == doctest::Approx(std::exp(v)).epsilon(4e-7));
      CHECK(static_cast<double>(s(i)) == doctest::Approx(1 / (1 + std::exp(-v))).epsilon(1e-6));
    }
    const auto ends = eval(exp(tensor<float, shape<4>>::from(std::vector<float>{-1000, 1000, NAN, 0})));
    CHECK((ends(0) == 0 && std::isinf(ends(1)) && std::isnan(ends(2)) && ends(3) == 1));
    CHECK(std::isnan(eval(relu(tensor<float, shape<1>>::full(NAN)))(0)));
    const auto nan = tensor<float, shape<1>>::full(NAN), one = tensor<float, shape<1>>::full(1);
    CHECK((std::isnan(eval(maximum(nan, one))(0)) && std::isnan(eval(maximum(one, nan))(0))));
    CHECK((std::isnan(eval(minimum(nan, one))(0)) && std::isnan(eval(minimum(one, nan))(0))));
  }
}

TEST_CASE_TEMPLATE("tanh is within 3 units in the last place, near 0 too", T, float, double) {
  constexpr extent_t n = 4096;
  auto x = tensor<T, shape<n>>::empty();
  for (extent_t i = 0; i < n; ++i) x(i) = static_cast<T>((i % 2 == 0 ? 1 : -1) * std::pow(10.0, -12 + 13.5 * static_cast<double>(i) / n));
  test::for_each_isa([&] {
    const auto y = eval(tanh(x));
    long double worst = 0;
    for (extent_t i = 0; i < n; ++i) {
      const long double wanted = std::tanh(static_cast<long double>(x(i)));
      worst = std::max(worst, std::abs(static_cast<long double>(y(i)) / wanted - 1) / static_cast<long double>(std::numeric_limits<T>::epsilon()));
    }
    CHECK(worst <= 3);
    const auto ends = eval(tanh(tensor<T, shape<5>>::from(std::vector<T>{0, 1000, -1000, std::numeric_limits<T>::infinity(), T(NAN)})));
    CHECK((ends(0) == 0 && ends(1) == 1 && ends(2) == -1 && ends(3) == 1 && std::isnan(ends(4))));
  });
}

TEST_CASE("named extents that differ at run time do not broadcast") {
  const auto a = tensor<float, shape<dyn<"n">>>::zeros({3}), b = tensor<float, shape<dyn<"n">>>::zeros({4});
  CHECK_THROWS_WITH_AS(eval(a + b), doctest::Contains("dcs::broadcast"), error);
}

namespace {

template <class T>
struct goldens {
  using row = shape<dyn<"n">, dyn<"m">>;
  const io::safetensors file = test::goldens("pointwise");

  template <class F>
  void one(const std::string& name, const F& f) const {
    test::check_op<T, row>(file, name, {"x"}, f);
  }
  template <class F>
  void two(const std::string& name, const F& f) const {
    test::check_op<T, row, row>(file, name, {"a", "b"}, f);
  }
};

}  // namespace

TEST_CASE_TEMPLATE("every function equals PyTorch's, forward and backward, also where its derivative jumps", T, float, double) {
  const goldens<T> g;
  test::for_each_isa([&] {
    for (const char* suffix : {"", ".ties"}) {
      const auto name = [suffix](const char* function) { return std::string(function) + suffix; };
      g.one(name("relu"), [](const auto& x) { return relu(x); });
      g.one(name("abs"), [](const auto& x) { return abs(x); });
      g.one(name("square"), [](const auto& x) { return square(x); });
      g.two(name("add"), [](const auto& a, const auto& b) { return a + b; });
      g.two(name("subtract"), [](const auto& a, const auto& b) { return a - b; });
      g.two(name("multiply"), [](const auto& a, const auto& b) { return a * b; });
      g.two(name("maximum"), [](const auto& a, const auto& b) { return maximum(a, b); });
      g.two(name("minimum"), [](const auto& a, const auto& b) { return minimum(a, b); });
    }
    for (const char* suffix : {"", ".far"}) {
      const auto name = [suffix](const char* function) { return std::string(function) + suffix; };
      g.one(name("sigmoid"), [](const auto& x) { return sigmoid(x); });
      g.one(name("tanh"), [](const auto& x) { return tanh(x); });
      g.one(name("softplus"), [](const auto& x) { return softplus(x); });
    }
    g.one("exp", [](const auto& x) { return exp(x); });
    g.one("log", [](const auto& x) { return log(x); });
    g.one("sqrt", [](const auto& x) { return sqrt(x); });
    g.one("negative", [](const auto& x) { return -x; });
    g.two("divide", [](const auto& a, const auto& b) { return a / b; });
    g.two("chain", [](const auto& a, const auto& b) { return sigmoid(a) * b - a / (square(b) + 2); });
    g.one("numbers", [](const auto& x) { return (2 * x + 1 - 0.5 * exp(-square(x))) / 3; });
  });
}

TEST_CASE_TEMPLATE("chains over operands that broadcast, embeddings among them, equal PyTorch's", T, float, double) {
  using image = shape<dyn<"n">, dyn<"h">, dyn<"w">, 5>;
  using tokens = shape<dyn<"n">, dyn<"token">, 5>;
  using embedding = shape<dyn<"token">, 5>;
  const auto file = test::goldens("pointwise");
  test::for_each_isa([&] {
    test::check_op<T, image, shape<5>, shape<5>>(file, "norm", {"x", "scale", "shift"},
                                                 [](const auto& x, const auto& scale, const auto& shift) { return relu(x * scale + shift); });
    test::check_op<T, image, shape<dyn<"n">, 1, 1, 5>>(file, "gate", {"x", "s"}, [](const auto& x, const auto& s) { return x * sigmoid(s); });
    test::check_op<T, image, shape<dyn<"n">, dyn<"h">, 1, 1>, shape<dyn<"w">, 1>>(
        file, "rows", {"x", "row", "column"}, [](const auto& x, const auto& row, const auto& column) { return x * row + column; });
    test::check_op<T, shape<dyn<"a">, 1>, shape<dyn<"b">>>(file, "outer", {"a", "b"}, [](const auto& a, const auto& b) { return a * b; });
    test::check_op<T, image, shape<>>(file, "number", {"x", "s"}, [](const auto& x, const auto& s) { return x * s + s; });
    test::check_op<T, image, shape<5>>(file, "twice", {"x", "c"}, [](const auto& x, const auto& c) { return (x * c + c) * x; });
    test::check_op<T, tokens, embedding>(file, "position", {"x", "e"}, [](const auto& x, const auto& e) { return x + e; });
    test::check_op<T, tokens, shape<4, 5>>(file, "level", {"x", "e"}, [](const auto& x, const auto& e) { return x + slice<0, 2>(e); });
    test::check_op<T, tokens, shape<4, 5>, embedding>(
        file, "position and level", {"x", "level", "position"},
        [](const auto& x, const auto& level, const auto& position) { return x + slice<0, 1>(level) + position; });
  });
}
