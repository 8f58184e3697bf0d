// The kernels of pointwise chains and of sums against the host's.
#include <dcs/expr/activations.hpp>
#include <dcs/expr/chain.cuh>
#include <dcs/ops/reduce/reduce.hpp>

#include "../cuda/compare.hpp"

#include <limits>

using namespace dcs;

namespace {
template <extent... E>
using s = shape<E...>;
template <class S>
auto normal(std::uint64_t stream, const sizes<S::rank>& n) {
  return random_normal<double, S>(n, {3, stream});
}
const auto gated = [](const auto& x, const auto& scale, const auto& shift) { return relu(x * scale + shift) * sigmoid(x) / 2; };
using rows = shape<dyn<"n">, dyn<"c">>;
using vector = shape<dyn<"c">>;
}  // namespace

TEST_CASE("kernel chain_forward: equals the CPU's chain, packets and single elements, broadcast and not") {
  const auto at = [](extent_t n, extent_t c) {
    kernel_test::compare(gated, normal<rows>(1, {n, c}), normal<vector>(2, {c}), normal<vector>(3, {c}));
  };
  for (extent_t n : {0, 1, 3})
    for (extent_t c : {1, 5, 8, 64}) at(n, c);
  at(70, 24);
}

TEST_CASE("kernel chain_backward: passes the gradient check") {
  for (extent_t n : {1, 3})
    for (extent_t c : {1, 5, 8}) CHECK(kernel_test::gradcheck(gated, normal<rows>(1, {n, c}), normal<vector>(2, {c}), normal<vector>(3, {c})) < 1e-6);
  using A = s<2, 3, 1, 4>;
  using B = s<3, 5, 1>;
  kernel_test::compare([](const auto& a, const auto& b) { return exp(a) * b - maximum(a, b) + tanh(b); }, normal<A>(1, A::extents),
                       normal<B>(2, B::extents));
}

TEST_CASE("activations and selections equal the CPU's chain") {
  const auto x = normal<rows>(1, {3, 8});
  const auto y = normal<vector>(2, {8});
  kernel_test::compare([](const auto& a, const auto& b) { return gelu(a) + silu(b) * softplus(a) - prelu(a, b); }, x, y);
  kernel_test::compare([](const auto& a, const auto& b) { return where(greater(a, b), clip(a, -1, 1), elu(b)) + erf(a); }, x, y);
  kernel_test::compare([](const auto& a, const auto& b) { return hard_swish(a) * mish(b) + pow(square(b) + 1, a) - gelu_tanh(a); }, x, y);
}

TEST_CASE("kernel sum_rows: sums over the last axes, one chunk and several") {
  const auto over_last = [](const auto& x) { return sum<1>(x); };
  for (extent_t n : {0, 1, 8, 9})
    for (extent_t c : {1, 31, 32, 37}) kernel_test::compare(over_last, normal<rows>(1, {n, c}));
  for (extent_t c : {512, 513}) kernel_test::compare(over_last, normal<rows>(1, {2, c}));
  kernel_test::compare([](const auto& x) { return mean_all(square(x)); }, normal<rows>(1, {3, 4000}));
  kernel_test::compare([](const auto& x) { return sum_all(x); }, normal<rows>(1, {0, 5}));
  using S = s<2, 3, 4, 5>;
  kernel_test::compare([](const auto& x) { return sum<1, 3>(x); }, normal<S>(1, S::extents));
  for (extent_t c : {1, 33, 513}) CHECK(kernel_test::gradcheck([](const auto& x) { return sum<1>(square(x)); }, normal<rows>(1, {2, c})) < 1e-6);
}

TEST_CASE("kernel sum_columns: sums over leading axes, packets and single elements, tiles that are not full, chunks that end within a group") {
  const auto over_first = [](const auto& x) { return sum<0>(x); };
  for (extent_t n : {0, 1, 7, 8, 19})
    for (extent_t c : {2, 31, 32, 33, 64}) kernel_test::compare(over_first, normal<rows>(1, {n, c}));
  for (extent_t c : {40, 264}) kernel_test::compare(over_first, normal<rows>(1, {150, c}));
  kernel_test::compare([](const auto& x) { return sum<1, 3>(x); }, normal<s<3, 5, 2, 7, 8>>(1, {3, 5, 2, 7, 8}));
  kernel_test::compare([](const auto& x) { return mean<1, 2>(x); }, normal<s<2, 5, 7, 6>>(1, {2, 5, 7, 6}));
  for (extent_t n : {1, 9})
    for (extent_t c : {2, 33, 40}) CHECK(kernel_test::gradcheck([](const auto& x) { return sum<0>(square(x)); }, normal<rows>(1, {n, c})) < 1e-6);
}

TEST_CASE("kernel sum_chunks: chunks of rows and of columns, as many as a warp has lanes and one more, whole and not") {
  for (extent_t n : {1025, 2048, 2100}) kernel_test::compare([](const auto& x) { return sum<0>(x); }, normal<rows>(1, {n, 3}));
  for (extent_t chunks : {32, 33}) {
    kernel_test::compare_in<float>([](const auto& x) { return sum<0>(x); }, normal<rows>(1, {2048 * chunks, 2}));
    kernel_test::compare_in<float>([](const auto& x) { return sum<1>(x); }, normal<rows>(1, {2, 512 * chunks}));
  }
  kernel_test::compare_in<float>([](const auto& x) { return sum<1>(x); }, normal<rows>(1, {9, 2049}));
  CHECK(kernel_test::gradcheck([](const auto& x) { return sum<0>(square(x)); }, normal<rows>(1, {2049, 2})) < 1e-6);
  CHECK(kernel_test::gradcheck([](const auto& x) { return sum<1>(square(x)); }, normal<rows>(1, {1, 515})) < 1e-6);
}

TEST_CASE("kernel add_into: a value used twice receives the sum of both gradients") {
  const auto twice = [](const auto& x) { return eval(eval(x * 2) + eval(sigmoid(x))); };
  for (extent_t c : {0, 1, 7, 8, 300, 2047, 2049}) kernel_test::compare(twice, normal<vector>(1, {c}));
  for (extent_t c : {1, 8, 259}) CHECK(kernel_test::gradcheck(twice, normal<vector>(1, {c})) < 1e-6);
}

TEST_CASE("a divider divides") {
  constexpr std::int64_t large = std::numeric_limits<std::int64_t>::max();
  CHECK(cuda::divider().quotient(large) == large);
  for (std::int64_t d :
       {std::int64_t{1}, std::int64_t{2}, std::int64_t{3}, std::int64_t{7}, std::int64_t{10}, std::int64_t{641}, std::int64_t{65536},
        std::int64_t{1000003}, std::int64_t{2147483647}, std::int64_t{1} << 32, std::int64_t{6700417} * 274177, (large >> 1) + 2, large - 1, large}) {
    const cuda::divider by(d);
    const auto check = [&](std::int64_t n) {
      CAPTURE(n);
      CAPTURE(d);
      CHECK(by.quotient(n) == n / d);
      std::int64_t quotient = n;
      CHECK(by.split(quotient) == n % d);
      CHECK(quotient == n / d);
    };
    for (std::int64_t n : {0, 1, 2, 6, 7, 640, 641, 642, 65535, 65536, 1000002, 123456789, 2147483646, 2147483647}) check(n), check(n * 4099 + 5);
    // At multiples of the divisor, and beside them, up to the largest number.
    for (std::int64_t q : {std::int64_t{1}, std::int64_t{2}, large / d / 3, large / d - 1, large / d})
      for (std::int64_t at : {-1, 0, 1})
        if (q >= 0 && q * d + at >= 0 && (at < 1 || q * d < large)) check(q * d + at);
    check(large), check(large - 1);
  }
  CHECK_THROWS_WITH_AS(cuda::divider(0), doctest::Contains("expected at least 1"), error);
}
