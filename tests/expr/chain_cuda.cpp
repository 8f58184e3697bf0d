// The kernels of pointwise chains and of sums against the host's.
#include <dcs/expr/chain.cuh>
#include <dcs/ops/reduce/reduce.hpp>

#include "../cuda/compare.hpp"

using namespace dcs;

namespace {
template <extent_t... E>
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

TEST_CASE("kernel sum_rows: sums over the last axes, one chunk and several") {
  const auto over_last = [](const auto& x) { return sum<1>(x); };
  for (extent_t n : {0, 1, 9}) kernel_test::compare(over_last, normal<rows>(1, {n, 37}));
  kernel_test::compare(over_last, normal<rows>(1, {2, 4100}));
  kernel_test::compare([](const auto& x) { return mean_all(square(x)); }, normal<rows>(1, {3, 4000}));
  using S = s<2, 3, 4, 5>;
  kernel_test::compare([](const auto& x) { return sum<1, 3>(x); }, normal<S>(1, S::extents));
}

TEST_CASE("kernel sum_columns: sums over leading axes, tiles that are not full") {
  for (extent_t c : {2, 31, 33, 64}) kernel_test::compare([](const auto& x) { return sum<0>(x); }, normal<rows>(1, {19, c}));
  kernel_test::compare([](const auto& x) { return mean<1, 2>(x); }, normal<s<2, 5, 7, 6>>(1, {2, 5, 7, 6}));
}

TEST_CASE("kernel sum_chunks: several chunks of rows") {
  kernel_test::compare([](const auto& x) { return sum<0>(x); }, normal<rows>(1, {1100, 3}));
}

TEST_CASE("kernel add_into: a value used twice gathers both gradients") {
  for (extent_t c : {1, 8, 300}) kernel_test::compare([](const auto& x) { return eval(eval(x * 2) + eval(sigmoid(x))); }, normal<vector>(1, {c}));
}

TEST_CASE("a divider divides") {
  for (std::int64_t d : {1, 2, 3, 7, 10, 641, 65536, 1000003, 2147483647})
    for (std::int64_t n : {0, 1, 2, 6, 7, 640, 641, 642, 65535, 65536, 1000002, 123456789, 2147483646, 2147483647}) {
      CHECK(cuda::divider(d).quotient(n) == n / d);
      CHECK(cuda::divider(d).quotient(n * 4099 + 5) == (n * 4099 + 5) / d);
    }
}
