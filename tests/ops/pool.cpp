#include <dcs/grad/gradcheck.hpp>
#include <dcs/ops/pool/pool.hpp>
#include <dcs/ops/resize/resize.hpp>

#include <doctest/doctest.h>

using namespace dcs;

TEST_CASE("pooling and resizing pass the gradient check") {
  for (auto isa : {cpu::isa::portable, cpu::isa::avx2, cpu::isa::avx512}) {
    if (!cpu::supports(isa)) continue;
    cpu::set_isa(isa);
    for (extent_t n : {0, 1, 2})
      for (extent_t h : {2, 3, 6, 7}) {
        const auto x = random_normal<double, shape<dyn<"n">, dyn<"h">, dyn<"w">, 19>>({n, h, h + 1, 19}, {1, 1});
        const auto other = tensor<double, shape<dyn<"n">, dyn<"p">, dyn<"q">, 1>>::zeros({n, 2 * h - 1, h + 3, 1});
        CHECK(gradcheck([](const auto& a) { return max_pool2d<3, 2, 1>(a); }, {2, 2}, 20, x) < 1e-6);
        CHECK(gradcheck([](const auto& a) { return max_pool2d<2>(a); }, {2, 2}, 20, x) < 1e-6);
        CHECK(gradcheck([](const auto& a) { return avg_pool2d<3, 2, 1>(a); }, {2, 2}, 20, x) < 1e-6);
        CHECK(gradcheck([](const auto& a) { return global_avg_pool(a); }, {2, 2}, 20, x) < 1e-6);
        CHECK(gradcheck([](const auto& a) { return resize_bilinear<corners::aligned, 5, 9>(a); }, {2, 2}, 20, x) < 1e-6);
        CHECK(gradcheck([](const auto& a) { return resize_bilinear<corners::half_pixel, 1, 4>(a); }, {2, 2}, 20, x) < 1e-6);
        CHECK(gradcheck([&](const auto& a) { return resize_bilinear_like<corners::half_pixel>(a, other); }, {2, 2}, 20, x) < 1e-6);
        CHECK(gradcheck([&](const auto& a) { return resize_nearest_like(a, other); }, {2, 2}, 20, x) < 1e-6);
      }
    const auto one = random_normal<double, shape<1, 1, 1, 1>>({1, 1, 1, 1}, {1, 1});
    CHECK(gradcheck([](const auto& a) { return max_pool2d<3, 2, 1>(a); }, {2, 2}, 20, one) < 1e-6);
    CHECK(gradcheck([](const auto& a) { return resize_bilinear<corners::aligned, 3, 2>(a); }, {2, 2}, 20, one) < 1e-6);
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
