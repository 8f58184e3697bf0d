// The kernels of batch norm against the CPU op.
#include <dcs/expr/chain.cuh>
#include <dcs/ops/batch_norm/batch_norm.hpp>
#include <dcs/ops/batch_norm/cuda.cuh>

#include "../cuda/compare.hpp"

using namespace dcs;

namespace {

template <class X>
using channels_of = tensor<value_t<X>, shape<extent_of<shape_t<X>, -1>>, device_t<X>>;
const auto training = [](const auto& x, const auto& g, const auto& b) {
  using C = channels_of<std::remove_cvref_t<decltype(x)>>;
  return batch_norm_training(x, g, b, C::zeros(), C::zeros());
};
const auto plain = [](const auto& x, const auto& g, const auto& b) { return eval(training(x, g, b)); };
const auto with_relu = [](const auto& x, const auto& g, const auto& b) { return eval(relu(training(x, g, b))); };
const auto with_both = [](const auto& x, const auto& g, const auto& b, const auto& r) { return eval(relu(training(x, g, b) + r)); };

// Values far from zero, as sums of squares would not survive.
template <int C>
tensor<double, shape<dyn<"n">, C>> rows_of(extent_t n) {
  auto x = random_normal<double, shape<dyn<"n">, C>>({n, C}, {1, static_cast<std::uint64_t>(n)});
  for (extent_t i = 0; i < x.size(); ++i) x.data()[i] = 1.5 * x.data()[i] + static_cast<double>(i % C % 7) - 3;
  return x;
}
// Channels of a part of a packet, of one, of no whole number of packets, of a tile, of more; rows of one, of less than the groups, of several chunks.
template <class Body>
void over_shapes(const Body& body) {
  auto at = [&]<int C>(std::integral_constant<int, C>, std::initializer_list<extent_t> rows) {
    for (extent_t n : rows)
      body(rows_of<C>(n), random_normal<double, shape<C>>({C}, {2, 1}), random_normal<double, shape<C>>({C}, {2, 2}),
           random_normal<double, shape<dyn<"n">, C>>({n, C}, {2, 3}));
  };
  at(std::integral_constant<int, 1>{}, {9, 500});
  at(std::integral_constant<int, 3>{}, {0, 6, 300});
  at(std::integral_constant<int, 16>{}, {0, 9, 200});
  at(std::integral_constant<int, 37>{}, {7, 77});
  at(std::integral_constant<int, 136>{}, {10, 150});
  at(std::integral_constant<int, 264>{}, {67});
}

// Statistics of the batch alone: gamma 1 and beta 0, so that no other term of the result hides an error.
template <int C>
void check_running_statistics(extent_t rows) {
  using P = shape<C>;
  const auto x = rows_of<C>(rows);
  auto step = [&]<class T, class D>(T, D) {
    auto mean = to<D>(tensor<T, P>::full(2)), variance = to<D>(tensor<T, P>::full(3));
    for (int i = 0; i < 2; ++i)
      eval(batch_norm_training(to<D>(kernel_test::rounded<T>(x)), to<D>(tensor<T, P>::full(1)), to<D>(tensor<T, P>::zeros()), mean, variance, 0.3));
    return std::pair(to<cpu_device>(mean), to<cpu_device>(variance));
  };
  const auto wanted = step(double{}, cpu_device{});
  const auto measured = step(float{}, kernel_test::target{});
  CHECK(kernel_test::difference(measured.first, wanted.first) < 1e-6);
  CHECK(kernel_test::difference(measured.second, wanted.second) < 1e-6);
  if (rows == 0) CHECK(measured.first.data()[0] == 2.0f);
}

}  // namespace

TEST_CASE("kernel norm_moments: mean and variance of every channel, however many rows and however far from zero") {
  for (extent_t n : {1, 2, 63, 64, 65, 300}) check_running_statistics<130>(n), check_running_statistics<8>(n);
  // A thousand deviations from zero: float's spacing there is 1e-4 of a deviation, the norm no worse than a few of these.
  auto x = rows_of<8>(500);
  for (extent_t i = 0; i < x.size(); ++i) x.data()[i] += 2000;
  const auto one = tensor<double, shape<8>>::full(1), zero = tensor<double, shape<8>>::zeros();
  const auto wanted = plain(kernel_test::rounded<double>(kernel_test::rounded<float>(x)), one, zero);
  const auto at = [](const auto& t) { return to<kernel_test::target>(kernel_test::rounded<float>(t)); };
  CHECK(kernel_test::difference(to<cpu_device>(plain(at(x), at(one), at(zero))), wanted) < 1e-4);
}
TEST_CASE("kernel norm_statistics: the running mean and the unbiased variance move once a step, and not for an empty batch") {
  for (extent_t n : {0, 1, 40}) check_running_statistics<3>(n), check_running_statistics<24>(n);
}
TEST_CASE("kernel norm_forward: norm, with ReLU, with residual and ReLU equal the CPU op") {
  over_shapes([](const auto& x, const auto& g, const auto& b, const auto& r) {
    kernel_test::compare(plain, x, g, b);
    kernel_test::compare(with_both, x, g, b, r);
  });
}
TEST_CASE("kernel norm_inference: scale and shift of given statistics") {
  const auto x = rows_of<19>(5);
  const auto g = random_normal<double, shape<19>>({19}, {3, 1}), b = random_normal<double, shape<19>>({19}, {3, 2}),
             m = random_normal<double, shape<19>>({19}, {3, 3});
  auto v = random_normal<double, shape<19>>({19}, {3, 4});
  for (extent_t i = 0; i < 19; ++i) v.data()[i] = 0.1 + v.data()[i] * v.data()[i];
  const auto wanted = eval(batch_norm_inference(x, g, b, m, v));
  const auto at = [](const auto& t) { return to<kernel_test::target>(kernel_test::rounded<float>(t)); };
  CHECK(kernel_test::difference(to<cpu_device>(eval(batch_norm_inference(at(x), at(g), at(b), at(m), at(v)))), wanted) < 1e-6);
}
TEST_CASE("kernel norm_sums: the gradients of gamma and beta pass the gradient check") {
  over_shapes([](const auto& x, const auto& g, const auto& b, const auto&) {
    if (x.size() > 2000) return;
    const auto constant = to<kernel_test::target>(x);
    CHECK(kernel_test::gradcheck([&](const auto& gv, const auto& bv) { return plain(constant, gv, bv); }, g, b) < 1e-6);
  });
}
TEST_CASE("kernel norm_coefficients: the whole gradient passes the gradient check") {
  over_shapes([](const auto& x, const auto& g, const auto& b, const auto&) {
    if (x.size() > 0 && x.size() < 4000) CHECK(kernel_test::gradcheck(plain, x, g, b) < 2e-6);
  });
}
TEST_CASE("kernel norm_spread: under a ReLU, with and without residual, equals the CPU op") {
  over_shapes([](const auto& x, const auto& g, const auto& b, const auto& r) {
    kernel_test::compare_in<float>(with_relu, x, g, b);
    if constexpr (!kernel_test::on_gpu) kernel_test::compare_in<double>(with_both, x, g, b, r);
  });
}
