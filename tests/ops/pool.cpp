#include <dcs/expr/gradcheck.hpp>
#include <dcs/ops/pool/pool.hpp>
#include <dcs/ops/reduce/reduce.hpp>
#include <dcs/ops/resize/resize.hpp>

#include "check_op.hpp"

#include <doctest/doctest.h>

using namespace dcs;

TEST_CASE("pooling and resizing pass the gradient check") {
  for (auto isa : {cpu::isa::portable, cpu::isa::avx2, cpu::isa::avx512}) {
    if (!cpu::supports(isa)) continue;
    cpu::set_isa(isa);
    for (extent_t n : {0, 1, 2})
      for (extent_t h : {1, 2, 3, 4, 5, 6, 7, 9}) {
        const auto x = random_normal<double, shape<dyn<"n">, dyn<"h">, dyn<"w">, 19>>({n, h, h + 1, 19}, {1, 1});
        const auto other = tensor<double, shape<dyn<"n">, dyn<"p">, dyn<"q">, 1>>::zeros({n, 2 * h - 1, h + 3, 1});
        CHECK(gradcheck([](const auto& a) { return max_pool2d<3, 2, 1>(a); }, {2, 2}, 20, x) < 1e-6);
        if (h > 1) CHECK(gradcheck([](const auto& a) { return max_pool2d<2>(a); }, {2, 2}, 20, x) < 1e-6);
        CHECK(gradcheck([](const auto& a) { return avg_pool2d<3, 2, 1>(a); }, {2, 2}, 20, x) < 1e-6);
        CHECK(gradcheck([](const auto& a) { return global_avg_pool(a); }, {2, 2}, 20, x) < 1e-6);
        CHECK(gradcheck([](const auto& a) { return resize_bilinear<corners::aligned, 5, 9>(a); }, {2, 2}, 20, x) < 1e-6);
        CHECK(gradcheck([](const auto& a) { return resize_bilinear<corners::half_pixel, 1, 4>(a); }, {2, 2}, 20, x) < 1e-6);
        CHECK(gradcheck([&](const auto& a) { return resize_bilinear_like<corners::half_pixel>(a, other); }, {2, 2}, 20, x) < 1e-6);
        CHECK(gradcheck([&](const auto& a) { return resize_nearest_like(a, other); }, {2, 2}, 20, x) < 1e-6);
        CHECK(gradcheck([&](const auto& a) { return resize_nearest_by<2>(a); }, {2, 2}, 20, x) < 1e-6);
        CHECK(gradcheck([&](const auto& a) { return resize_bilinear_by<corners::half_pixel, 3>(a); }, {2, 2}, 20, x) < 1e-6);
      }
    const auto one = random_normal<double, shape<1, 1, 1, 1>>({1, 1, 1, 1}, {1, 1});
    CHECK(gradcheck([](const auto& a) { return max_pool2d<3, 2, 1>(a); }, {2, 2}, 20, one) < 1e-6);
    CHECK(gradcheck([](const auto& a) { return avg_pool2d<3, 2, 1>(a); }, {2, 2}, 20, one) < 1e-6);
    CHECK(gradcheck([](const auto& a) { return global_avg_pool(a); }, {2, 2}, 20, one) < 1e-6);
    CHECK(gradcheck([](const auto& a) { return resize_bilinear<corners::aligned, 3, 2>(a); }, {2, 2}, 20, one) < 1e-6);
    CHECK(gradcheck([](const auto& a) { return resize_bilinear<corners::half_pixel, 3, 2>(a); }, {2, 2}, 20, one) < 1e-6);
    CHECK(gradcheck([](const auto& a) { return resize_nearest_like(a, tensor<double, shape<1, 3, 2, 1>>::zeros()); }, {2, 2}, 20, one) < 1e-6);
  }
}

TEST_CASE("values by hand") {
  const auto x = tensor<float, shape<1, 2, 2, 1>>::from(std::vector<float>{0, 1, 2, 3});
  const auto a = resize_bilinear<corners::aligned, 3, 3>(x);
  CHECK(a(0, 1, 1, 0) == 1.5f);
  CHECK(a(0, 2, 2, 0) == 3);
  CHECK(a(0, 0, 1, 0) == 0.5f);
  const auto h = resize_bilinear<corners::half_pixel, 4, 4>(x);
  CHECK(h(0, 0, 0, 0) == 0);
  CHECK(h(0, 0, 1, 0) == 0.25f);
  CHECK(h(0, 1, 1, 0) == 0.75f);
  const auto like = tensor<float, shape<1, 5, 4, 1>>::zeros();
  const auto n = resize_nearest_like(x, like);
  CHECK(n(0, 2, 1, 0) == 0);
  CHECK(n(0, 3, 2, 0) == 3);
  const auto named = as<shape<1, dyn<"height">, dyn<"width">, 1>>(x);
  const auto twice = resize_nearest_by<2>(named);
  static_assert(std::is_same_v<shape_t<decltype(twice)>, shape<1, times(dyn<"height">, 2), times(dyn<"width">, 2), 1>>);
  CHECK((twice.sizes() == sizes<4>{1, 4, 4, 1} && twice(0, 1, 1, 0) == 0 && twice(0, 1, 2, 0) == 1 && twice(0, 3, 3, 0) == 3));
  const auto thrice = resize_bilinear_by<corners::aligned, 3>(named);
  CHECK((thrice.sizes() == sizes<4>{1, 6, 6, 1} && thrice(0, 5, 5, 0) == 3));
  const auto m = max_pool2d<2>(x);
  CHECK(m(0, 0, 0, 0) == 3);
  const auto v = avg_pool2d<3, 2, 1>(x);
  CHECK(v(0, 0, 0, 0) == 1.5f);

  // Of equal values the first wins the gradient.
  auto leaf = var<float, shape<1, 2, 2, 1>>::leaf(tensor<float, shape<1, 2, 2, 1>>::full(5));
  backward(max_pool2d<2>(leaf), tensor<float, shape<1, 1, 1, 1>>::full(1));
  CHECK(leaf.grad()(0, 0, 0, 0) == 1);
  CHECK(leaf.grad()(0, 1, 1, 0) == 0);
  CHECK_THROWS_AS((max_pool2d<3>(x)), error);
}

TEST_CASE_TEMPLATE("a NaN anywhere in a window is its maximum, and receives the gradient", T, float, double) {
  using X = shape<1, 2, 2, 19>;
  test::for_each_isa([] {
    for (extent_t at = 0; at < 4; ++at) {
      auto x = random_normal<T, X>(X::extents, {3, 1});
      for (extent_t c = 0; c < 19; c += 3) x(0, at / 2, at % 2, c) = T(NAN);
      const auto leaf = var<T, X>::leaf(x);
      const auto y = max_pool2d<2>(leaf);
      backward(y, tensor<T, shape<1, 1, 1, 19>>::full(1));
      for (extent_t c = 0; c < 19; ++c) {
        CHECK(std::isnan(y.value()(0, 0, 0, c)) == (c % 3 == 0));
        if (c % 3 == 0) CHECK(leaf.grad()(0, at / 2, at % 2, c) == 1);
      }
    }
  });
}

TEST_CASE_TEMPLATE("pooling, sums and means equal PyTorch's, forward and backward", T, float, double) {
  const auto file = test::goldens("pool");
  const auto check = [&]<int C>(std::integral_constant<int, C>, const std::string& image) {
    using X = shape<dyn<"n">, dyn<"h">, dyn<"w">, C>;
    test::check_op<T, X>(file, "max.3.2.1." + image, {"x"}, [](const auto& x) { return max_pool2d<3, 2, 1>(x); });
    test::check_op<T, X>(file, "max.3.1.1." + image, {"x"}, [](const auto& x) { return max_pool2d<3, 1, 1>(x); });
    test::check_op<T, X>(file, "max.2.2.0." + image, {"x"}, [](const auto& x) { return max_pool2d<2>(x); });
    test::check_op<T, X>(file, "average.3.2.1." + image, {"x"}, [](const auto& x) { return avg_pool2d<3, 2, 1>(x); });
    test::check_op<T, X>(file, "average.3.1.1." + image, {"x"}, [](const auto& x) { return avg_pool2d<3, 1, 1>(x); });
    test::check_op<T, X>(file, "average.2.2.0." + image, {"x"}, [](const auto& x) { return avg_pool2d<2>(x); });
    test::check_op<T, X>(file, "global." + image, {"x"}, [](const auto& x) { return global_avg_pool(x); });
    test::check_op<T, X>(file, "sum." + image, {"x"}, [](const auto& x) { return sum<0, 2>(x); });
    test::check_op<T, X>(file, "mean." + image, {"x"}, [](const auto& x) { return mean<1, 3>(x); });
    test::check_op<T, X>(file, "mean_all." + image, {"x"}, [](const auto& x) { return mean_all(x); });
  };
  test::for_each_isa([&] {
    check(std::integral_constant<int, 5>{}, "odd");
    check(std::integral_constant<int, 19>{}, "even");
    check(std::integral_constant<int, 1>{}, "small");
    test::check_op<T, shape<dyn<"n">, dyn<"h">, dyn<"w">, 3>>(file, "max.3.1.1.ties", {"x"}, [](const auto& x) { return max_pool2d<3, 1, 1>(x); });
  });
}

TEST_CASE_TEMPLATE("resizing equals PyTorch's in each convention of corners, forward and backward", T, float, double) {
  const auto file = test::goldens("pool");
  using X = shape<dyn<"n">, dyn<"h">, dyn<"w">, 6>;
  const sizes<2> to[] = {{9, 12}, {4, 6}, {8, 5}, {13, 17}, {4, 4}, {3, 2}, {1, 1}};
  test::for_each_isa([&] {
    for (std::size_t i = 0; i < std::size(to); ++i) {
      const auto other = tensor<T, shape<dyn<"n">, dyn<"p">, dyn<"q">, 1>>::zeros({2, to[i][0], to[i][1], 1});
      const std::string number = std::to_string(i);
      test::check_op<T, X>(file, "aligned." + number, {"x"}, [&](const auto& x) { return resize_bilinear_like<corners::aligned>(x, other); });
      test::check_op<T, X>(file, "half_pixel." + number, {"x"}, [&](const auto& x) { return resize_bilinear_like<corners::half_pixel>(x, other); });
      test::check_op<T, X>(file, "nearest." + number, {"x"}, [&](const auto& x) { return resize_nearest_like(x, other); });
    }
    test::check_op<T, X>(file, "aligned.0", {"x"}, [](const auto& x) { return resize_bilinear<corners::aligned, 9, 12>(x); });
    test::check_op<T, X>(file, "half_pixel.1", {"x"}, [](const auto& x) { return resize_bilinear<corners::half_pixel, 4, 6>(x); });
    test::check_op<T, X>(file, "aligned.by.2", {"x"}, [](const auto& x) { return resize_bilinear_by<corners::aligned, 2>(x); });
    test::check_op<T, X>(file, "aligned.by.3", {"x"}, [](const auto& x) { return resize_bilinear_by<corners::aligned, 3>(x); });
    test::check_op<T, X>(file, "half_pixel.by.2", {"x"}, [](const auto& x) { return resize_bilinear_by<corners::half_pixel, 2>(x); });
    test::check_op<T, X>(file, "half_pixel.by.3", {"x"}, [](const auto& x) { return resize_bilinear_by<corners::half_pixel, 3>(x); });
    test::check_op<T, X>(file, "nearest.by.2", {"x"}, [](const auto& x) { return resize_nearest_by<2>(x); });
    test::check_op<T, X>(file, "nearest.by.3", {"x"}, [](const auto& x) { return resize_nearest_by<3>(x); });
  });
}
