// The kernels of pooling against the CPU ops.
#include <dcs/expr/chain.cuh>
#include <dcs/ops/pool/cuda.cuh>
#include <dcs/ops/pool/pool.hpp>

#include "../cuda/compare.hpp"

using namespace dcs;

namespace {

template <int K, int Stride, int Padding>
const auto largest = [](const auto& x) { return max_pool2d<K, Stride, Padding>(x); };
template <int K, int Stride, int Padding>
const auto average = [](const auto& x) { return avg_pool2d<K, Stride, Padding>(x); };

template <int C>
using map = shape<dyn<"n">, dyn<"h">, dyn<"w">, C>;

// Channels of one element, of no whole packet, of packets; images that end inside a window, as small as one, and none at all.
template <class Body>
void over_maps(extent_t smallest, const Body& body) {
  auto at = [&]<int C>(std::integral_constant<int, C>) {
    for (extent_t n : {0, 1, 2})
      for (extent_t h : {1, 4, 7})
        if (h >= smallest) body(random_normal<double, map<C>>({n, h, h + 2, C}, {1, static_cast<std::uint64_t>(h)}));
  };
  at(std::integral_constant<int, 1>{});
  at(std::integral_constant<int, 5>{});
  at(std::integral_constant<int, 16>{});
}

template <class F>
void expect_equal(extent_t smallest, const F& f) {
  over_maps(smallest, [&](const auto& x) { kernel_test::compare(f, x); });
}
template <class F>
void expect_gradients(extent_t smallest, const F& f) {
  over_maps(smallest, [&](const auto& x) {
    if (x.size() < 1000) CHECK(kernel_test::gradcheck(f, x) < 1e-6);
  });
}

}  // namespace

TEST_CASE("kernel max_pool_forward: equals the CPU op; of equal values the first is the maximum") {
  expect_equal(1, largest<3, 2, 1>);
  expect_equal(1, largest<1, 2, 0>);
  expect_equal(4, largest<2, 2, 0>);
  expect_equal(4, largest<4, 3, 2>);
  const auto flat = tensor<double, map<8>>::full({1, 5, 5, 8}, 3);
  kernel_test::compare(largest<3, 1, 1>, flat);
}
TEST_CASE("kernel max_pool_backward: passes the gradient check, windows that overlap too") {
  expect_gradients(1, largest<3, 1, 1>);
  expect_gradients(1, largest<3, 2, 1>);
  expect_gradients(4, largest<4, 3, 2>);
}
TEST_CASE("kernel avg_pool_forward: equals the CPU op") {
  expect_equal(1, average<3, 2, 1>);
  expect_equal(4, average<2, 2, 0>);
  expect_equal(4, average<4, 3, 2>);
}
TEST_CASE("kernel avg_pool_backward: passes the gradient check, windows that overlap too") {
  expect_gradients(1, average<3, 1, 1>);
  expect_gradients(1, average<3, 2, 1>);
  expect_gradients(4, average<4, 3, 2>);
}
TEST_CASE("global average pooling on the device equals the CPU op") {
  over_maps(1, [](const auto& x) { kernel_test::compare([](const auto& a) { return global_avg_pool(a); }, x); });
}
