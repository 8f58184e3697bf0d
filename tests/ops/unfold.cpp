// Windows along an axis against their definition, and their gradients against differences.
#include <dcs/expr/gradcheck.hpp>
#include <dcs/ops/unfold/unfold.hpp>

#include <doctest/doctest.h>

using namespace dcs;

namespace {

template <int C>
using volume = shape<dyn<"batch">, dyn<"depth">, dyn<"height">, 3, C>;

// y[n, o, i, v, k · C + c] = x[n, o · stride + k · dilation − padding, i, v, c].
template <int Kernel, int Stride, int Padding, int Dilation, int C>
void check_depth(const sizes<5>& n) {
  const auto x = random_normal<double, volume<C>>(n, {1, 1});
  const auto y = unfold<1, Kernel, Stride, Padding, Dilation>(x);
  REQUIRE(y.sizes() == sizes<5>{n[0], windowed(n[1], Kernel, Stride, Padding, Dilation), n[2], 3, Kernel * C});
  for (extent_t b = 0; b < n[0]; ++b)
    for (extent_t o = 0; o < y.sizes()[1]; ++o)
      for (extent_t i = 0; i < n[2]; ++i)
        for (extent_t v = 0; v < 3; ++v)
          for (extent_t k = 0; k < Kernel; ++k) {
            const extent_t at = o * Stride + k * Dilation - Padding;
            for (extent_t c = 0; c < C; ++c) REQUIRE(y(b, o, i, v, k * C + c) == (at < 0 || at >= n[1] ? 0 : x(b, at, i, v, c)));
          }
}

}  // namespace

TEST_CASE("unfold lays the taps of each window beside each other") {
  check_depth<3, 1, 1, 1, 4>({2, 5, 2, 3, 4});
  check_depth<3, 2, 0, 1, 1>({1, 7, 1, 3, 1});
  check_depth<4, 3, 2, 2, 5>({1, 9, 2, 3, 5});
  check_depth<1, 1, 0, 1, 3>({3, 2, 2, 3, 3});
  check_depth<3, 1, 1, 1, 2>({1, 1, 1, 3, 2});
  CHECK(unfold<1, 3>(tensor<float, volume<2>>::zeros({0, 4, 2, 3, 2})).sizes() == sizes<5>{0, 2, 2, 3, 6});
  // Along the width, whose extent is static.
  static_assert(
      std::is_same_v<shape_t<decltype(unfold<3, 3, 2, 1>(tensor<float, volume<2>>()))>, shape<dyn<"batch">, dyn<"depth">, dyn<"height">, 2, 6>>);
  const auto row = tensor<float, shape<1, 4, 1>>::from(std::vector<float>{1, 2, 3, 4});
  const auto pairs = unfold<1, 2>(row);
  CHECK(std::vector<float>(pairs.data(), pairs.data() + 6) == std::vector<float>{1, 2, 2, 3, 3, 4});
  CHECK_THROWS_WITH_AS((unfold<1, 3>(tensor<float, volume<2>>::zeros({1, 2, 2, 3, 2}))),
                       doctest::Contains("dcs::unfold: an axis of 2 is shorter than the window of 3 taps"), error);
}

TEST_CASE("unfold passes the gradient check in double") {
  for (extent_t n : {0, 1, 2})
    for (extent_t depth : {1, 2, 3, 4, 5, 8, 9}) {
      const auto x = random_normal<double, volume<3>>({n, depth, 2, 3, 3}, {1, 1});
      CHECK(gradcheck([](const auto& a) { return unfold<1, 3, 1, 1>(a); }, {2, 1}, 12, x) < 1e-6);
      CHECK(gradcheck([](const auto& a) { return unfold<1, 3, 2, 1>(a); }, {2, 2}, 12, x) < 1e-6);
      CHECK(gradcheck([](const auto& a) { return unfold<1, 3, 3, 2, 2>(a); }, {2, 3}, 12, x) < 1e-6);
      CHECK(gradcheck([](const auto& a) { return unfold<2, 2>(a); }, {2, 4}, 12, x) < 1e-6);
    }
}

TEST_CASE("groups keep their channels together") {
  // Two groups of two channels, two taps: g0 tap 0, g0 tap 1, g1 tap 0, g1 tap 1.
  const unfold_geometry g{1, 3, 2, 1, 4, 2, 1, 0, 1, 2};
  const std::vector<float> x{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
  std::vector<float> y(16), sum(12);
  cpu::unfold(cpu_device{}, g, x.data(), y.data());
  CHECK(y == std::vector<float>{0, 1, 4, 5, 2, 3, 6, 7, 4, 5, 8, 9, 6, 7, 10, 11});
  const std::vector<float> shift{0.5f, 0, 0, 100};
  cpu::fold(cpu_device{}, g, y.data(), shift.data(), sum.data());
  CHECK(sum == std::vector<float>{0.5f, 1, 2, 103, 8.5f, 10, 12, 114, 8.5f, 9, 10, 111});
}
