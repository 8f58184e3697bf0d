// The kernels of batch norm against the CPU op.
#include <dcs/expr/chain.cuh>
#include <dcs/ops/batch_norm/batch_norm.hpp>
#include <dcs/ops/batch_norm/cuda.cuh>

#include "../cuda/masked.hpp"

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
  auto step = [&]<class T, class D>(const tensor<T, shape<dyn<"n">, C>>& here, D) {
    using A = compute_type<T>;
    auto mean = to<D>(tensor<A, P>::full(2)), variance = to<D>(tensor<A, P>::full(3));
    for (int i = 0; i < 2; ++i)
      eval(batch_norm_training(to<D>(here), to<D>(tensor<T, P>::full(static_cast<T>(1.0f))), to<D>(tensor<T, P>::zeros()), mean, variance, 0.3));
    return std::pair(to<cpu_device>(mean), to<cpu_device>(variance));
  };
  const auto check = [&](auto t) {
    const auto here = kernel_test::rounded<decltype(t)>(x);
    const auto wanted = step(kernel_test::rounded<double>(here), cpu_device{});
    for (int order = 0; order < 3; ++order) {
      const auto measured = step(here, kernel_test::target{});
      const double bound = sizeof(t) == 8 ? 1e-12 : 1e-6;
      CHECK(kernel_test::difference(measured.first, wanted.first) < bound);
      CHECK(kernel_test::difference(measured.second, wanted.second) < bound);
      if (rows == 0) CHECK(measured.first.data()[0] == 2);
    }
  };
  if constexpr (!kernel_test::on_gpu) check(double{});
  check(float{}), check(bf16{});
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
TEST_CASE("kernel norm_inference: scale and shift of running statistics") {
  const auto check = [&]<int C>(std::integral_constant<int, C>) {
    using P = shape<C>;
    // Terms of one sign: what bf16 rounds is no difference.
    auto g = random_normal<double, P>({C}, {3, 1}), b = random_normal<double, P>({C}, {3, 2}), m = random_normal<double, P>({C}, {3, 3}),
         v = random_normal<double, P>({C}, {3, 4});
    for (extent_t i = 0; i < C; ++i) {
      g.data()[i] = 0.1 + std::abs(g.data()[i]), b.data()[i] = -1 - std::abs(b.data()[i]);
      m.data()[i] = std::abs(m.data()[i]), v.data()[i] = 0.1 + v.data()[i] * v.data()[i];
    }
    const auto norm = [&](const auto& x) {
      using X = std::remove_cvref_t<decltype(x)>;
      const auto as = [](auto t, const auto& p) { return to<device_t<X>>(kernel_test::rounded<decltype(t)>(p)); };
      using T = value_t<X>;
      using A = compute_type<T>;
      return eval(batch_norm_inference(x, as(T{}, g), as(T{}, b), as(A{}, m), as(A{}, v)));
    };
    for (extent_t n : {0, 1, 5}) {
      CAPTURE(C);
      CAPTURE(n);
      kernel_test::compare(norm, rows_of<C>(n));
      CHECK(kernel_test::gradcheck(norm, rows_of<C>(n)) < 1e-6);
    }
  };
  check(std::integral_constant<int, 1>{}), check(std::integral_constant<int, 19>{}), check(std::integral_constant<int, 300>{});
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
    kernel_test::compare(with_relu, x, g, b);
    kernel_test::compare_in<float>(with_both, x, g, b, r);
    if constexpr (!kernel_test::on_gpu) kernel_test::compare_in<double>(with_both, x, g, b, r);
    if (x.size() > 0 && x.size() < 1500) {
      // No result within a step of the ReLU's corner.
      const auto away = r.clone();
      const auto sums = with_both(x, g, b, away), lifted = plain(x, g, b);
      for (extent_t i = 0; i < away.size(); ++i)
        if (std::abs(lifted.data()[i] + away.data()[i]) < 0.02) away.data()[i] += sums.data()[i] > 0 ? 0.1 : -0.1;
      CHECK(kernel_test::gradcheck(with_both, x, g, b, away) < 2e-6);
    }
  });
  // One row has no deviation: x has no gradient, in double to the last bit; the residual has its own.
  const auto alone = [](const auto& x) {
    if constexpr (!kernel_test::on_gpu)
      kernel_test::compare_in<double>(with_both, x, tensor<double, shape<5>>::full(1), tensor<double, shape<5>>::full(0.5), x);
  };
  alone(random_normal<double, shape<dyn<"n">, 5>>({1, 5}, {2, 4}));
}

namespace {

enum class form { plain, relu, residual };

// One training step of a norm over maps of regions on D: result, gradients of x, residual, gamma and beta, running mean and variance.
template <class D, class T, class S, class P>
auto norm_step(form f, const tensor<T, S>& x, const tensor<T, S>& r, const tensor<T, S>& dy, const tensor<T, P>& g, const tensor<T, P>& b) {
  const auto leaf = [](const auto& t) {
    using X = std::remove_cvref_t<decltype(t)>;
    return var<T, typename X::shape_type, D>::leaf(to<D>(t).clone());
  };
  using A = compute_type<T>;
  const auto xv = leaf(x), rv = leaf(r);
  const auto gv = leaf(g), bv = leaf(b);
  auto mean = to<D>(tensor<A, P>::full(2)), variance = to<D>(tensor<A, P>::full(3));
  const auto norm = batch_norm_training(xv, gv, bv, mean, variance, 0.3);
  const auto y = f == form::plain ? eval(norm) : f == form::relu ? eval(relu(norm)) : eval(relu(norm + rv));
  backward(y, to<D>(dy).clone());
  const auto host = [](const auto& t) { return to<cpu_device>(t).clone(); };
  const auto gradient = [&](const auto& v) {
    return v.has_grad() ? host(v.grad()) : host(std::remove_cvref_t<decltype(v.value())>::zeros(v.sizes()));
  };
  return std::tuple(host(y.value()), gradient(xv), gradient(rv), gradient(gv), gradient(bv), host(mean), host(variance));
}

// On the device under every mask against the host with the regions that are valid.
template <class T, int C>
void check_masked(extent_t height, extent_t width, double bound) {
  using S = shape<dyn<"roi">, dyn<"h">, dyn<"w">, C>;
  using P = shape<C>;
  const sizes<4> n{4, height, width, C};
  const auto draw = [&](std::uint64_t k) { return kernel_test::rounded<T>(random_normal<double, S>(n, {5, k}, 1.5)); };
  const auto x = draw(1), r = draw(2), dy = draw(3);
  const auto g = kernel_test::rounded<T>(random_normal<double, P>({C}, {5, 4})), b = kernel_test::rounded<T>(random_normal<double, P>({C}, {5, 5}));
  for (const auto& mask : masked_test::masks())
    for (form f : {form::plain, form::relu, form::residual}) {
      CAPTURE(mask);
      const auto live = [&](const auto& t) { return kernel_test::rounded<double>(masked_test::valid(t, mask)); };
      const auto wanted = norm_step<cpu_device>(f, live(x), live(r), live(dy), kernel_test::rounded<double>(g), kernel_test::rounded<double>(b));
      for (double padded : {1e30, std::numeric_limits<double>::quiet_NaN()}) {
        const auto filled = [&](const auto& t) { return masked_test::with_padded(t, mask, padded); };
        const row_mask_scope scope(masked_test::mask_on<kernel_test::target, compute_type<T>>(mask));
        const auto measured = norm_step<kernel_test::target>(f, filled(x), filled(r), filled(dy), g, b);
        const auto maps = [&]<std::size_t I>(std::integral_constant<std::size_t, I>) {
          CHECK(kernel_test::difference(masked_test::valid(std::get<I>(measured), mask), std::get<I>(wanted)) < bound);
          CHECK(masked_test::in_dead(std::get<I>(measured), mask) == 0);
        };
        const auto channels = [&]<std::size_t I>(std::integral_constant<std::size_t, I>) {
          CHECK(kernel_test::difference(std::get<I>(measured), std::get<I>(wanted)) < bound);
        };
        maps(std::integral_constant<std::size_t, 0>{}), maps(std::integral_constant<std::size_t, 1>{}),
            maps(std::integral_constant<std::size_t, 2>{});
        channels(std::integral_constant<std::size_t, 3>{}), channels(std::integral_constant<std::size_t, 4>{});
        channels(std::integral_constant<std::size_t, 5>{}), channels(std::integral_constant<std::size_t, 6>{});
      }
    }
}

}  // namespace

TEST_CASE("a norm under a mask is the norm of the regions that are valid: values, gradients, running statistics; padded ones are not read") {
  if constexpr (!kernel_test::on_gpu) {
    check_masked<double, 3>(1, 1, 1e-9);
    check_masked<double, 3>(3, 5, 1e-9);
    check_masked<double, 8>(17, 16, 1e-9);
  }
  check_masked<float, 8>(4, 4, 1e-5);
  check_masked<bf16, 16>(3, 3, 3e-2);
}
TEST_CASE("a norm under a mask passes the gradient check") {
  using S = shape<4, 2, 3, 5>;
  const auto x = random_normal<double, S>({4, 2, 3, 5}, {7, 1});
  const auto g = random_normal<double, shape<5>>({5}, {7, 2}), b = random_normal<double, shape<5>>({5}, {7, 3});
  for (const auto& mask : masked_test::masks()) {
    CAPTURE(mask);
    const row_mask_scope scope(masked_test::mask_on<kernel_test::target>(mask));
    CHECK(kernel_test::gradcheck(plain, x, g, b) < 2e-6);
  }
}
TEST_CASE("a mask that does not fit the rows is an error; the scope ends, scopes nest, and a norm keeps the mask that it was built under") {
  using S = shape<dyn<"roi">, 2, 2, 3>;
  const auto x = to<kernel_test::target>(random_normal<float, S>({4, 2, 2, 3}, {8, 1}));
  const auto one = to<kernel_test::target>(tensor<float, shape<3>>::full(1)), zero = to<kernel_test::target>(tensor<float, shape<3>>::zeros());
  const auto whole = to<cpu_device>(plain(x, one, zero));
  {
    const row_mask_scope five(masked_test::mask_on<kernel_test::target, float>({1, 1, 1, 1, 1}));
    CHECK_THROWS_WITH_AS(plain(x, one, zero), doctest::Contains("16 rows for a mask of 5"), error);
    {
      const row_mask_scope wide(masked_test::mask_on<kernel_test::target, double>({1, 1, 1, 1}));
      CHECK_THROWS_WITH_AS(plain(x, one, zero), doctest::Contains("a mask of rows in f64; expected f32"), error);
    }
    CHECK_THROWS_WITH_AS(plain(x, one, zero), doctest::Contains("16 rows for a mask of 5"), error);
  }
  CHECK(kernel_test::difference(to<cpu_device>(plain(x, one, zero)), whole) == 0);
  const std::vector<masked_test::mask_values> others{{1}, {1, 1}, {1, 0, 1}, masked_test::mask_values(8, 1)};
  for (const auto& few : others) {  // numbers that divide the rows fit no better
    const row_mask_scope scope(masked_test::mask_on<kernel_test::target, float>(few));
    CHECK_THROWS_WITH_AS(plain(x, one, zero), doctest::Contains("expected a mask of 4"), error);
  }
  const auto masked = [&] {
    const row_mask_scope scope(masked_test::mask_on<kernel_test::target, float>({1, 0, 1, 1}));
    return training(x, one, zero);
  }();
  CHECK(masked_test::in_dead(to<cpu_device>(eval(masked)), {1, 0, 1, 1}) == 0);
}
