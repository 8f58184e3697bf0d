// The kernels of layer norm against the CPU op.
#include <dcs/ops/layer_norm/cuda.cuh>
#include <dcs/ops/layer_norm/layer_norm.hpp>

#include "../cuda/compare.hpp"

using namespace dcs;

namespace {

const auto plain = [](const auto& x, const auto& g, const auto& b) { return layer_norm(x, g, b); };
const auto of_sum = [](const auto& x, const auto& r, const auto& g, const auto& b) { return layer_norm(x, r, g, b); };

// Rows of one element, of less than a packet, of a part of a warp, of one, two and more packets a lane; more than a lane's registers hold.
template <class Body>
void over_shapes(const Body& body) {
  auto at = [&]<int C>(std::integral_constant<int, C>, std::initializer_list<extent_t> rows) {
    for (extent_t n : rows) {
      auto x = random_normal<double, shape<dyn<"n">, C>>({n, C}, {1, C});
      for (extent_t i = 0; i < x.size(); ++i) x.data()[i] = 1.5 * x.data()[i] + static_cast<double>(i / C % 5) - 2;
      body(x, random_normal<double, shape<dyn<"n">, C>>({n, C}, {2, C}), random_normal<double, shape<C>>({C}, {3, 1}),
           random_normal<double, shape<C>>({C}, {3, 2}));
    }
  };
  at(std::integral_constant<int, 3>{}, {0, 1, 300});
  at(std::integral_constant<int, 8>{}, {0, 1, 150});
  at(std::integral_constant<int, 24>{}, {37});
  at(std::integral_constant<int, 41>{}, {1, 35});
  at(std::integral_constant<int, 136>{}, {70});
  at(std::integral_constant<int, 256>{}, {0, 1, 11});
  at(std::integral_constant<int, 259>{}, {2});
  at(std::integral_constant<int, 1000>{}, {3});
  at(std::integral_constant<int, 2056>{}, {2});
}

}  // namespace

TEST_CASE("kernel layer_norm_forward: equals the CPU op, with and without residual, and far from zero") {
  over_shapes([](const auto& x, const auto& r, const auto& g, const auto& b) {
    kernel_test::compare(plain, x, g, b);
    kernel_test::compare(of_sum, x, r, g, b);
  });
  // A thousand deviations from zero: float's spacing there is 1e-4 of a deviation, the norm no worse than a few of these.
  auto x = random_normal<double, shape<dyn<"n">, 256>>({5, 256}, {4, 1});
  for (extent_t i = 0; i < x.size(); ++i) x.data()[i] += 1000;
  const auto one = tensor<double, shape<256>>::full(1), zero = tensor<double, shape<256>>::zeros();
  const auto wanted = plain(kernel_test::rounded<double>(kernel_test::rounded<float>(x)), one, zero);
  const auto at = [](const auto& t) { return to<kernel_test::target>(kernel_test::rounded<float>(t)); };
  CHECK(kernel_test::difference(to<cpu_device>(plain(at(x), at(one), at(zero))), wanted) < 1e-4);
}
TEST_CASE("kernel layer_norm_backward: passes the gradient check") {
  over_shapes([](const auto& x, const auto& r, const auto& g, const auto& b) {
    if (x.size() > 3000) return;
    CHECK(kernel_test::gradcheck(plain, x, g, b) < 2e-6);
    CHECK(kernel_test::gradcheck(of_sum, x, r, g, b) < 2e-6);
  });
}
TEST_CASE("kernel layer_norm_sums: the gradients of gamma and beta where that of the input is not needed") {
  over_shapes([](const auto& x, const auto&, const auto& g, const auto& b) {
    if (x.size() > 3000) return;
    const auto constant = to<kernel_test::target>(x);
    CHECK(kernel_test::gradcheck([&](const auto& gv, const auto& bv) { return plain(constant, gv, bv); }, g, b) < 1e-6);
  });
}
TEST_CASE("kernel layer_norm_parameters: chunks of rows add up, and none is a gradient of zeros") {
  for (extent_t n : {0, 1, 700}) {
    const auto x = random_normal<double, shape<dyn<"n">, 12>>({n, 12}, {5, 1});
    kernel_test::compare(plain, x, random_normal<double, shape<12>>({12}, {5, 2}), random_normal<double, shape<12>>({12}, {5, 3}));
  }
}
