// Conversion between element types, on the host and on a device.
#include <dcs/ops/cast/cast.hpp>
#include <dcs/ops/cast/cuda.cuh>

#include "../cuda/compare.hpp"

using namespace dcs;

namespace {
using S = shape<dyn<"n">>;

template <class From, class To, class D>
void check(extent_t n) {
  const auto x = kernel_test::rounded<From>(random_normal<double, S>({n}, {4, static_cast<std::uint64_t>(n)}));
  const auto v = var<From, S, D>::leaf(to<D>(x).clone());
  const auto y = cast<To>(v);
  static_assert(std::is_same_v<typename std::remove_cvref_t<decltype(y)>::value_type, To>);
  const auto got = to<cpu_device>(y.value());
  const auto dy = kernel_test::rounded<To>(random_normal<double, S>({n}, {5, 1}));
  if (n > 0) backward(y, to<D>(dy));
  const auto dx = n > 0 ? to<cpu_device>(v.grad()) : x;
  for (extent_t i = 0; i < n; ++i) {
    CHECK(got.data()[i] == static_cast<To>(static_cast<compute_type<From>>(x.data()[i])));
    CHECK(dx.data()[i] == static_cast<From>(static_cast<compute_type<To>>(dy.data()[i])));
  }
}
}  // namespace

TEST_CASE("kernel cast: packets and odd numbers of elements, rounded to nearest, gradients in the type they came in") {
  for (extent_t n : {0, 1, 7, 8, 1024, 1027}) {
    for (int order = 0; order < 3; ++order) {
      check<float, bf16, kernel_test::target>(n);
      check<bf16, float, kernel_test::target>(n);
      if constexpr (!kernel_test::on_gpu) check<double, float, kernel_test::target>(n), check<float, double, kernel_test::target>(n);
    }
    check<float, double, cpu_device>(n);
    check<double, float, cpu_device>(n);
  }
  const auto x = random_normal<float, S>({4}, {4, 1});
  CHECK(widened(x).memory() == x.memory());
}
