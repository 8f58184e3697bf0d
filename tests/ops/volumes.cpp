// Pooling and resizing of rows and volumes against PyTorch's, and their gradients against differences.
#include <dcs/expr/gradcheck.hpp>
#include <dcs/ops/pool/pool.hpp>
#include <dcs/ops/resize/resize.hpp>

#include "check_op.hpp"

using namespace dcs;

namespace {

template <int C>
using rows = shape<dyn<"n">, dyn<"l">, C>;
template <int C>
using volume = shape<dyn<"n">, dyn<"d">, dyn<"h">, dyn<"w">, C>;

template <class T, class X>
void check_pools(const io::safetensors& file, const std::string& map) {
  const auto check = [&](const std::string& name, const auto& f) { test::check_op<T, X>(file, name, {"x"}, f); };
  if constexpr (X::rank == 3) {
    check("max" + map + ".3.2.1", [](const auto& x) { return max_pool1d<3, 2, 1>(x); });
    check("max" + map + ".3.1.1", [](const auto& x) { return max_pool1d<3, 1, 1>(x); });
    check("max" + map + ".2.2.0", [](const auto& x) { return max_pool1d<2>(x); });
    check("average" + map + ".3.2.1", [](const auto& x) { return avg_pool1d<3, 2, 1>(x); });
    check("average" + map + ".3.1.1", [](const auto& x) { return avg_pool1d<3, 1, 1>(x); });
    check("average" + map + ".2.2.0", [](const auto& x) { return avg_pool1d<2>(x); });
  } else {
    check("max" + map + ".3.2.1", [](const auto& x) { return max_pool3d<3, 2, 1>(x); });
    check("max" + map + ".3.1.1", [](const auto& x) { return max_pool3d<3, 1, 1>(x); });
    check("max" + map + ".2.2.0", [](const auto& x) { return max_pool3d<2>(x); });
    check("average" + map + ".3.2.1", [](const auto& x) { return avg_pool3d<3, 2, 1>(x); });
    check("average" + map + ".3.1.1", [](const auto& x) { return avg_pool3d<3, 1, 1>(x); });
    check("average" + map + ".2.2.0", [](const auto& x) { return avg_pool3d<2>(x); });
  }
  check("global" + map, [](const auto& x) { return global_avg_pool(x); });
}

// Both conventions of corners, and the nearest, to the extents of To, which is what the map has in the file.
template <class T, extent_t... To>
void check_resize(const io::safetensors& file, const std::string& mode, int number) {
  const std::string at = "." + std::to_string(number);
  const auto like = tensor<T, shape<1, To..., 1>>::zeros();
  if constexpr (sizeof...(To) == 1) {
    test::check_op<T, rows<3>>(file, mode + ".aligned" + at, {"x"}, [](const auto& x) { return resize_linear<corners::aligned, To...>(x); });
    test::check_op<T, rows<3>>(file, mode + ".half_pixel" + at, {"x"},
                               [&](const auto& x) { return resize_linear_like<corners::half_pixel>(x, like); });
    test::check_op<T, rows<3>>(file, mode + ".nearest" + at, {"x"}, [&](const auto& x) { return resize_nearest_like(x, like); });
  } else {
    test::check_op<T, volume<3>>(file, mode + ".aligned" + at, {"x"},
                                 [&](const auto& x) { return resize_trilinear_like<corners::aligned>(x, like); });
    test::check_op<T, volume<3>>(file, mode + ".half_pixel" + at, {"x"},
                                 [](const auto& x) { return resize_trilinear<corners::half_pixel, To...>(x); });
    test::check_op<T, volume<3>>(file, mode + ".nearest" + at, {"x"}, [&](const auto& x) { return resize_nearest_like(x, like); });
  }
}

// The same by a factor.
template <class T, extent_t Factor>
void check_resize_by(const io::safetensors& file) {
  const std::string by = ".by." + std::to_string(Factor);
  test::check_op<T, rows<3>>(file, "linear.aligned" + by, {"x"}, [](const auto& x) { return resize_linear_by<corners::aligned, Factor>(x); });
  test::check_op<T, rows<3>>(file, "linear.half_pixel" + by, {"x"}, [](const auto& x) { return resize_linear_by<corners::half_pixel, Factor>(x); });
  test::check_op<T, rows<3>>(file, "linear.nearest" + by, {"x"}, [](const auto& x) { return resize_nearest_by<Factor>(x); });
  test::check_op<T, volume<3>>(file, "trilinear.aligned" + by, {"x"}, [](const auto& x) { return resize_trilinear_by<corners::aligned, Factor>(x); });
  test::check_op<T, volume<3>>(file, "trilinear.half_pixel" + by, {"x"},
                               [](const auto& x) { return resize_trilinear_by<corners::half_pixel, Factor>(x); });
  test::check_op<T, volume<3>>(file, "trilinear.nearest" + by, {"x"}, [](const auto& x) { return resize_nearest_by<Factor>(x); });
}

}  // namespace

TEST_CASE_TEMPLATE("pools of rows and volumes equal PyTorch's, forward and backward", T, float, double) {
  const auto file = test::goldens("volumes");
  test::for_each_isa([&] {
    check_pools<T, rows<5>>(file, "1d.rows");
    check_pools<T, rows<19>>(file, "1d.long");
    check_pools<T, volume<3>>(file, "3d.odd");
    check_pools<T, volume<5>>(file, "3d.even");
    check_pools<T, volume<1>>(file, "3d.small");
    // Of equal values the first has the gradient, in the order depth, height, width.
    test::check_op<T, rows<3>>(file, "max1d.ties.3.1.1", {"x"}, [](const auto& x) { return max_pool1d<3, 1, 1>(x); });
    test::check_op<T, rows<3>>(file, "max1d.ties.3.2.1", {"x"}, [](const auto& x) { return max_pool1d<3, 2, 1>(x); });
    test::check_op<T, volume<2>>(file, "max3d.ties.3.1.1", {"x"}, [](const auto& x) { return max_pool3d<3, 1, 1>(x); });
    test::check_op<T, volume<2>>(file, "max3d.ties.3.2.1", {"x"}, [](const auto& x) { return max_pool3d<3, 2, 1>(x); });
  });
}

TEST_CASE_TEMPLATE("resizes of rows and volumes equal PyTorch's, forward and backward", T, float, double) {
  const auto file = test::goldens("volumes");
  test::for_each_isa([&] {
    check_resize<T, 9>(file, "linear", 0);
    check_resize<T, 4>(file, "linear", 1);
    check_resize<T, 4>(file, "linear", 2);
    check_resize<T, 3>(file, "linear", 3);
    check_resize<T, 1>(file, "linear", 4);
    check_resize<T, 6, 9, 7>(file, "trilinear", 0);
    check_resize<T, 3, 2, 4>(file, "trilinear", 1);
    check_resize<T, 5, 3, 5>(file, "trilinear", 2);
    check_resize<T, 2, 3, 2>(file, "trilinear", 3);
    check_resize<T, 1, 1, 1>(file, "trilinear", 4);
    check_resize_by<T, 2>(file);
    check_resize_by<T, 3>(file);
  });
}

TEST_CASE("pools and resizes of rows and volumes pass the gradient check in double") {
  const auto check = [](const auto& f, const auto& x) { CHECK(gradcheck(f, {2, 2}, 10, x) < 1e-6); };
  for (extent_t n : {0, 1, 2})
    for (extent_t d : {1, 2, 3, 4, 5, 6, 9}) {
      CAPTURE(n);
      CAPTURE(d);
      const auto x = random_normal<double, volume<3>>({n, d, d + 1, 3, 3}, {1, 1});
      const auto r = random_normal<double, rows<3>>({n, d, 3}, {1, 2});
      check([](const auto& a) { return max_pool3d<3, 2, 1>(a); }, x);
      check([](const auto& a) { return avg_pool3d<3, 2, 1>(a); }, x);
      check([](const auto& a) { return max_pool1d<3, 1, 1>(a); }, r);
      check([](const auto& a) { return avg_pool1d<3, 2, 1>(a); }, r);
      check([](const auto& a) { return eval(global_avg_pool(a) * a); }, x);
      check([](const auto& a) { return eval(global_avg_pool(a) * a); }, r);
      if (d > 1) check([](const auto& a) { return max_pool3d<2>(a); }, x);
      if (d > 1) check([](const auto& a) { return avg_pool1d<2>(a); }, r);
      check([](const auto& a) { return resize_trilinear<corners::aligned, 5, 2, 7>(a); }, x);
      check([](const auto& a) { return resize_trilinear<corners::half_pixel, 2, 6, 3>(a); }, x);
      check([](const auto& a) { return resize_linear<corners::half_pixel, 4>(a); }, r);
      check([](const auto& a) { return resize_nearest_like(a, tensor<double, shape<1, 4, 7, 2, 1>>::zeros()); }, x);
    }
}

TEST_CASE("named extents of every axis survive pooling and resizing, and errors name the sizes") {
  const auto x = tensor<float, volume<2>>::zeros({1, 4, 6, 8, 2});
  const auto half = max_pool3d<2>(x);
  CHECK(half.sizes() == sizes<5>{1, 2, 3, 4, 2});
  static_assert(extent_of<shape_t<decltype(half)>, 1> == windowed(dyn<"d">, 2, 2, 0) &&
                extent_of<shape_t<decltype(half)>, 2> == windowed(dyn<"h">, 2, 2, 0) &&
                extent_of<shape_t<decltype(half)>, 3> == windowed(dyn<"w">, 2, 2, 0));
  static_assert(std::is_same_v<decltype(resize_trilinear_like<corners::aligned>(half, x)), tensor<float, volume<2>>>);
  static_assert(std::is_same_v<decltype(resize_nearest_like(half, x)), tensor<float, volume<2>>>);
  CHECK(resize_trilinear_like<corners::aligned>(half, x).sizes() == x.sizes());
  const auto twice = resize_trilinear_by<corners::half_pixel, 2>(x);
  static_assert(std::is_same_v<shape_t<decltype(twice)>, shape<dyn<"n">, times(dyn<"d">, 2), times(dyn<"h">, 2), times(dyn<"w">, 2), 2>>);
  static_assert(std::is_same_v<shape_t<decltype(resize_nearest_by<3>(probe<float, shape<1, 4, 2>>()))>, shape<1, 12, 2>>);
  CHECK(twice.sizes() == sizes<5>{1, 8, 12, 16, 2});
  CHECK_THROWS_WITH_AS((max_pool3d<5>(x)), doctest::Contains("dcs::pool: an axis of 4 is smaller than the window of 5"), error);
  CHECK_THROWS_WITH_AS((max_pool1d<3>(tensor<float, rows<2>>::zeros({1, 2, 2}))), doctest::Contains("an axis of 2 is smaller than the window of 3"),
                       error);
  CHECK_THROWS_AS((avg_pool3d<2>(tensor<float, volume<2>>::zeros({1, 0, 6, 8, 2}))), error);
  CHECK_THROWS_AS((resize_trilinear<corners::aligned, 2, 2, 2>(tensor<float, volume<2>>::zeros({1, 0, 6, 8, 2}))), error);
  CHECK(max_pool3d<2>(tensor<float, volume<2>>::zeros({0, 4, 6, 8, 2})).sizes() == sizes<5>{0, 2, 3, 4, 2});
}

TEST_CASE("a NaN in a box is its maximum") {
  auto x = random_normal<float, shape<1, 2, 2, 2, 9>>({1, 2, 2, 2, 9}, {3, 1});
  x(0, 1, 0, 1, 4) = NAN;
  const auto y = max_pool3d<2>(x);
  for (extent_t c = 0; c < 9; ++c) CHECK(std::isnan(y(0, 0, 0, 0, c)) == (c == 4));
}
