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
// Numbers that To cannot hold: the ends of its range, NaN, what lies between; in every form that casts.
template <class From, class To, class D>
void check_whole() {
  std::vector<From> values;
  for (double v : {0.0, -0.9, 1.5, 254.9, 255.9, 256.0, -1.0, 1e18, 1e30, -1e30, 0x1p63, -0x1p63, 0x1p62, HUGE_VAL, -HUGE_VAL, std::nan("")})
    values.push_back(static_cast<From>(v));
  for (std::size_t repeat : {std::size_t{1}, std::size_t{2}, std::size_t{15}}) {  // whole packets, and an odd number of elements
    std::vector<From> all(1, static_cast<From>(3.0));
    for (std::size_t i = 0; i < repeat; ++i) all.insert(all.end(), values.begin(), values.end());
    if (repeat == 2) all.erase(all.begin());
    const auto x = tensor<From, S>::from(all, {static_cast<extent_t>(all.size())});
    const auto got = to<cpu_device>(cast<To>(to<D>(x)));
    for (extent_t i = 0; i < x.size(); ++i) {
      const double v = static_cast<double>(static_cast<compute_type<From>>(x(i)));
      const double least = static_cast<double>(std::numeric_limits<To>::min()), most = static_cast<double>(std::numeric_limits<To>::max());
      CAPTURE(v);
      CHECK(got(i) == (std::isnan(v) ? To{0}
                       : v <= least  ? std::numeric_limits<To>::min()
                       : v >= most   ? std::numeric_limits<To>::max()
                                     : static_cast<To>(v)));
    }
  }
}
}  // namespace

TEST_CASE("casts to whole numbers are defined for every number, on every device") {
  check_whole<float, std::int64_t, cpu_device>(), check_whole<double, std::int64_t, cpu_device>(), check_whole<bf16, std::int64_t, cpu_device>();
  check_whole<float, std::uint8_t, cpu_device>(), check_whole<double, std::uint8_t, cpu_device>(), check_whole<f16, std::uint8_t, cpu_device>();
  check_whole<float, std::int64_t, kernel_test::target>(), check_whole<bf16, std::int64_t, kernel_test::target>();
  check_whole<float, std::uint8_t, kernel_test::target>(), check_whole<bf16, std::uint8_t, kernel_test::target>();
}

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
