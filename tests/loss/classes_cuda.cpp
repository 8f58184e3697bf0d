// The kernels of losses over classes against the host's.
#include <dcs/expr/chain.cuh>
#include <dcs/loss/classes.cuh>
#include <dcs/ops/softmax/cuda.cuh>
#include <dcs/ops/softmax/softmax.hpp>

#include "../cuda/compare.hpp"

using namespace dcs;

namespace {

template <int K>
using scores = shape<dyn<"n">, K>;
using class_map = shape<dyn<"n">, 1>;

/// Classes 0 to k − 1 and −1 of n rows.
tensor<double, class_map> classes_of(extent_t n, std::uint32_t k) {
  auto c = tensor<double, class_map>::empty({n, 1});
  for (extent_t i = 0; i < n; ++i) c.data()[i] = static_cast<double>(random_stream{6, 6}.below(static_cast<std::uint64_t>(i), k + 1)) - 1;
  return c;
}
/// t where x lies, in its element type.
template <class X, class S>
auto beside(const X&, const tensor<double, S>& t) {
  return to<device_t<X>>(kernel_test::rounded<value_t<X>>(t));
}

template <int K, class Body>
void over_rows(const Body& body) {
  for (extent_t n : {1, 2, 33, 1100 / K}) {
    const auto c = classes_of(n, K);
    body([c](const auto& x) { return loss::class_cross_entropy(x, beside(x, c)); }, random_normal<double, scores<K>>({n, K}, {1, 3}, 3));
  }
}
template <class Body>
void over_classes(const Body& body) {
  over_rows<1>(body);
  over_rows<2>(body);
  over_rows<5>(body);
  over_rows<70>(body);
}

// What the kernels say of numbers that are no class.
template <class T>
void check_strays() {
  const auto c = to<kernel_test::target>(tensor<T, shape<4, 1>>::from(std::vector<T>{T(2.f), T(1.f), T(0.5f), T(-1.f)}));
  const auto x = to<kernel_test::target>(tensor<T, shape<4, 2>>::zeros());
  const auto map = to<cpu_device>(loss::class_cross_entropy(x, c));
  for (const extent_t i : {0, 2}) CHECK(std::isnan(static_cast<double>(map.data()[i])));
  CHECK(static_cast<double>(map.data()[1]) == doctest::Approx(std::log(2.0)).epsilon(1e-2));
  CHECK(static_cast<double>(map.data()[3]) == 0);
  CHECK(std::isnan(static_cast<double>(to<cpu_device>(loss::cross_entropy(x, c)).data()[0])));
  CHECK(std::isnan(static_cast<double>(to<cpu_device>(loss::multiclass_dice(x, c)).data()[0])));
}

}  // namespace

TEST_CASE("kernel class_cross_entropy_forward: one class to more than a warp has lanes, and pixels without a class") {
  over_classes([](const auto& f, const auto& x) { kernel_test::compare(f, x); });
  const auto c = tensor<double, shape<2, 1>>::from(std::vector<double>{0, 1});
  kernel_test::compare([&](const auto& x) { return loss::class_cross_entropy(x, beside(x, c)); },
                       tensor<double, shape<2, 2>>::from(std::vector<double>{300, -300, -200, 150}));
  check_strays<float>();
}

TEST_CASE("kernel class_cross_entropy_backward: passes the gradient check") {
  over_classes([](const auto& f, const auto& x) { CHECK(kernel_test::gradcheck(f, x) < 1e-6); });
}

TEST_CASE("kernel one_hot: the numbers of the host") {
  for (const extent_t n : {0, 1, 7, 300}) {
    const auto c = classes_of(n, 5);
    const auto check = [&](auto zero) {
      using T = decltype(zero);
      const auto here = to<kernel_test::target>(kernel_test::rounded<T>(c));
      CHECK(kernel_test::difference(to<cpu_device>(loss::one_hot<5>(here)), loss::one_hot<5>(c)) == 0);
    };
    check(double{}), check(float{}), check(bf16{});
  }
}

TEST_CASE("losses over classes run on the device") {
  const auto c = classes_of(9, 3);
  const auto weights = tensor<double, shape<3>>::from(std::vector<double>{0.5, 1, 2});
  const auto x = random_normal<double, scores<3>>({9, 3}, {1, 1}, 2);
  kernel_test::compare([&](const auto& a) { return loss::cross_entropy(a, beside(a, c), beside(a, weights)); }, x);
  kernel_test::compare([&](const auto& a) { return loss::multiclass_focal(a, beside(a, c)); }, x);
  kernel_test::compare([&](const auto& a) { return loss::multiclass_dice(softmax<1>(a), beside(a, c), beside(a, weights)); }, x);
  kernel_test::compare([&](const auto& a) { return loss::generalised_dice(softmax<1>(a), beside(a, c)); }, x);
}
