// The losses on a device against the host's: the kernels of their own, and those that are chains and sums.
#include <dcs/expr/chain.cuh>
#include <dcs/loss/detection.cuh>
#include <dcs/loss/segmentation.cuh>

#include "../cuda/compare.hpp"

using namespace dcs;

namespace {

using map_t = shape<dyn<"roi">, dyn<"h">, dyn<"h">, 1>;

template <class T = double>
tensor<T, map_t> blob(extent_t n, extent_t h) {
  auto t = tensor<T, map_t>::empty({n, h, h, 1});
  for (extent_t i = 0; i < t.size(); ++i) t.data()[i] = static_cast<T>(random_stream{4, 9}.uniform(static_cast<std::uint64_t>(i)) > 0.4f ? 1.f : 0.f);
  return t;
}

template <int K, class Body>
void over_rows(const Body& body) {
  using S = shape<dyn<"n">, K>;
  for (extent_t n : {1, 2, 33, 1100 / K}) {
    std::vector<int> labels;
    for (extent_t i = 0; i < n; ++i) labels.push_back(static_cast<int>(random_stream{6, 6}.below(static_cast<std::uint64_t>(i), K)));
    body([labels](const auto& x) { return loss::cross_entropy(x, labels); }, random_normal<double, S>({n, K}, {1, 3}, 3));
  }
}

}  // namespace

TEST_CASE("kernel cross_entropy_forward: two classes, more than a warp has lanes, one; scores without bounds") {
  const auto compare = [](const auto& f, const auto& x) { kernel_test::compare(f, x); };
  over_rows<1>(compare);
  over_rows<2>(compare);
  over_rows<5>(compare);
  over_rows<70>(compare);
  using S = shape<2, 2>;
  kernel_test::compare(
      [](const auto& x) {
        return loss::cross_entropy(x, {0, 1});
      },
      tensor<double, S>::from(std::vector<double>{300, -300, -200, 150}, {2, 2}));
  const auto x = to<cuda::emulated>(random_normal<float, S>({2, 2}, {1, 3}));
  CHECK_THROWS_WITH_AS(loss::cross_entropy(x, {0, 2}), doctest::Contains("label 2"), error);
}

TEST_CASE("kernel cross_entropy_backward: passes the gradient check") {
  const auto check = [](const auto& f, const auto& x) { CHECK(kernel_test::gradcheck(f, x) < 1e-6); };
  over_rows<1>(check);
  over_rows<2>(check);
  over_rows<5>(check);
  over_rows<70>(check);
}

TEST_CASE("kernel laplacian_edges: the edges of the CPU, at borders too") {
  for (extent_t n : {0, 1, 3})
    for (extent_t h : {1, 2, 3, 9, 17}) {
      for (std::uint64_t seed = 1; seed <= 3; ++seed) {
        cuda::emulated::options().seed = seed;
        CHECK(kernel_test::difference(to<cpu_device>(loss::laplacian_edges(to<cuda::emulated>(blob(n, h)))), loss::laplacian_edges(blob(n, h))) == 0);
        const auto narrow = kernel_test::rounded<bf16>(blob(n, h));
        CHECK(kernel_test::difference(to<cpu_device>(loss::laplacian_edges(to<cuda::emulated>(narrow))), loss::laplacian_edges(blob(n, h))) == 0);
      }
    }
}

TEST_CASE("losses that are chains and sums run on the device") {
  const auto on = [](const auto& x, const auto& t) {
    return to<device_t<std::remove_cvref_t<decltype(x)>>>(kernel_test::rounded<value_t<std::remove_cvref_t<decltype(x)>>>(t));
  };
  for (extent_t n : {1, 2})
    for (extent_t h : {1, 5, 8}) {
      const auto x = random_normal<double, map_t>({n, h, h, 1}, {1, 1}, 2), y = random_normal<double, map_t>({n, h, h, 1}, {1, 2}, 2);
      const auto t = blob(n, h);
      kernel_test::compare([&](const auto& a) { return loss::dice(sigmoid(a), on(a, t)); }, x);
      kernel_test::compare([&](const auto& a) { return loss::focal(a, on(a, t)); }, x);
      kernel_test::compare([&](const auto& a) { return loss::edge(a, on(a, t)); }, x);
      kernel_test::compare([&](const auto& a) { return loss::binary_cross_entropy(a, on(a, t)); }, x);
      kernel_test::compare([&](const auto& a) { return loss::smooth_l1_sum(a, on(a, t)); }, x);
      kernel_test::compare([](const auto& a, const auto& b) { return loss::consistency(std::array{a, b, a, b}); }, x, y);
    }
}
