// The kernels of pixel-adaptive fusion against the CPU op.
#include <dcs/ops/weighted_sum/cuda.cuh>
#include <dcs/ops/weighted_sum/weighted_sum.hpp>

#include "../cuda/compare.hpp"

using namespace dcs;

namespace {

template <int C>
using maps = shape<dyn<"n">, dyn<"h">, 3, C>;

const auto fusion = [](const auto& l, const auto& a, const auto& b, const auto& c) { return weighted_sum(l, a, b, c); };

// Channels of a packet, of less, of more than a warp has in one go.
template <class Body>
void over_shapes(const Body& body) {
  auto at = [&]<int C>(std::integral_constant<int, C>) {
    for (extent_t n : {0, 1, 2})
      for (extent_t h : {1, 5})
        body(random_normal<double, maps<3>>({n, h, 3, 3}, {1, 1}), random_normal<double, maps<C>>({n, h, 3, C}, {1, 2}),
             random_normal<double, maps<C>>({n, h, 3, C}, {1, 3}), random_normal<double, maps<C>>({n, h, 3, C}, {1, 4}));
  };
  at(std::integral_constant<int, 1>{});
  at(std::integral_constant<int, 16>{});
  at(std::integral_constant<int, 21>{});
  at(std::integral_constant<int, 72>{});
  at(std::integral_constant<int, 264>{});
}

}  // namespace

TEST_CASE("kernel weighted_sum_forward: equals the CPU op") {
  over_shapes([](const auto&... x) { kernel_test::compare(fusion, x...); });
}

TEST_CASE("kernel weighted_sum_backward: passes the gradient check, and computes only the gradients that are needed") {
  over_shapes([](const auto&... x) { CHECK(kernel_test::gradcheck(fusion, x...) < 1e-6); });
  const auto l = random_normal<double, maps<2>>({1, 2, 3, 2}, {1, 1});
  const auto a = to<kernel_test::target>(random_normal<double, maps<8>>({1, 2, 3, 8}, {1, 2}));
  const auto v = var<double, maps<8>, kernel_test::target>::leaf(a.clone());
  const auto y = weighted_sum(var<double, maps<2>, kernel_test::target>(to<kernel_test::target>(l)), var<double, maps<8>, kernel_test::target>(a), v);
  backward(y, a);
  CHECK(v.has_grad());
}
