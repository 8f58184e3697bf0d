// The kernels of unfold, and what volumes and rows are computed by on a device, against the host.
#include <dcs/ops/conv1d/conv1d.hpp>
#include <dcs/ops/conv_transpose1d/conv_transpose1d.hpp>
#include <dcs/ops/conv_transpose2d/cuda.cuh>
#include <dcs/ops/pool/cuda.cuh>
#include <dcs/ops/pool/pool.hpp>
#include <dcs/ops/resize/cuda.cuh>
#include <dcs/ops/resize/resize.hpp>
#include <dcs/ops/unfold/cuda.cuh>
#include <dcs/ops/unfold/unfold.hpp>
#if defined(__CUDACC__)
#include <dcs/cuda/cublas.cuh>
#include <dcs/ops/conv2d/cudnn.cuh>
#endif

#include "../cuda/compare.hpp"

using namespace dcs;

namespace {

template <int C>
using volume = shape<dyn<"n">, dyn<"d">, dyn<"h">, dyn<"w">, C>;
template <int C>
using halved = shape<dyn<"n">, windowed(dyn<"d">, 1, 2, 0), windowed(dyn<"h">, 1, 2, 0), windowed(dyn<"w">, 1, 2, 0), C>;

// Channels of one element, of no whole packet, of packets; one slice, and no volume at all.
template <class Body>
void over_volumes(const Body& body) {
  auto at = [&]<int C>(std::integral_constant<int, C>) {
    for (extent_t n : {0, 1, 2})
      for (extent_t d : {1, 4, 5}) body(random_normal<double, volume<C>>({n, d, 3, 2, C}, {1, static_cast<std::uint64_t>(d)}));
  };
  at(std::integral_constant<int, 1>{});
  at(std::integral_constant<int, 5>{});
  at(std::integral_constant<int, 16>{});
}

template <class S>
auto normal(std::uint64_t stream, const sizes<S::rank>& n = S::extents) {
  return random_normal<double, S>(n, {4, stream});
}

}  // namespace

TEST_CASE("kernel unfold: equals the CPU op") {
  over_volumes([](const auto& x) {
    kernel_test::compare([](const auto& a) { return unfold<1, 3, 1, 1>(a); }, x);
    kernel_test::compare([](const auto& a) { return unfold<1, 3, 2, 2, 2>(a); }, x);
    kernel_test::compare([](const auto& a) { return unfold<3, 2>(a); }, x);
  });
}
TEST_CASE("kernel fold: passes the gradient check, windows that overlap and that leave gaps too") {
  over_volumes([](const auto& x) {
    if (x.size() > 500) return;
    CHECK(kernel_test::gradcheck([](const auto& a) { return unfold<1, 3, 1, 1>(a); }, x) < 1e-6);
    CHECK(kernel_test::gradcheck([](const auto& a) { return unfold<1, 1, 3>(a); }, x) < 1e-6);
    CHECK(kernel_test::gradcheck([](const auto& a) { return unfold<1, 3, 2, 2, 2>(a); }, x) < 1e-6);
  });
}
TEST_CASE("a device's convolutions of volumes and rows are the host's, forward and backward, in every type") {
  const auto x = normal<volume<8>>(1, {2, 4, 5, 4, 8});
  const auto b = normal<shape<16>>(2);
  kernel_test::compare([](const auto&... a) { return conv3d<1, 1>(a...); }, x, normal<shape<3, 3, 3, 8, 16>>(3), b);
  kernel_test::compare([](const auto&... a) { return conv3d<2, 1, 1, 2>(a...); }, x, normal<shape<3, 3, 3, 4, 16>>(4), b);
  kernel_test::compare([](const auto&... a) { return conv3d(a...); }, x, normal<shape<1, 1, 1, 8, 3>>(5));
  const auto deep = normal<halved<8>>(6, {2, 2, 3, 2, 8});
  kernel_test::compare([](const auto&... a) { return conv_transpose3d<2>(a...); }, deep, normal<shape<2, 2, 2, 16, 8>>(7), b);
  kernel_test::compare([](const auto&... a) { return conv_transpose3d<2, 1, 1, 2>(a...); }, deep, normal<shape<3, 3, 3, 8, 8>>(8), b);
  const auto r = normal<shape<dyn<"n">, 9, 8>>(9, {2, 9, 8});
  kernel_test::compare([](const auto&... a) { return conv1d<1, 2, 2>(a...); }, r, normal<shape<3, 8, 16>>(10), b);
  kernel_test::compare([](const auto&... a) { return conv_transpose1d<2>(a...); }, r, normal<shape<4, 16, 8>>(11), b);
  kernel_test::compare([](const auto&... a) { return conv3d<1, 1>(a...); }, normal<volume<8>>(1, {0, 4, 5, 4, 8}), normal<shape<3, 3, 3, 8, 16>>(3));
}
TEST_CASE("a device's pools and resizes of volumes and rows are the host's, forward and backward, in every type") {
  const auto x = normal<volume<8>>(1, {2, 4, 5, 4, 8});
  const auto r = normal<shape<dyn<"n">, 9, 5>>(9, {2, 9, 5});
  kernel_test::compare([](const auto& a) { return max_pool3d<3, 2, 1>(a); }, x);
  kernel_test::compare([](const auto& a) { return max_pool3d<2>(a); }, x);
  kernel_test::compare([](const auto& a) { return avg_pool3d<3, 1, 1>(a); }, x);
  kernel_test::compare([](const auto& a) { return max_pool1d<3, 1, 1>(a); }, r);
  kernel_test::compare([](const auto& a) { return avg_pool1d<2>(a); }, r);
  kernel_test::compare([](const auto& a) { return resize_trilinear<corners::aligned, 7, 4, 6>(a); }, x);
  kernel_test::compare([](const auto& a) { return resize_linear<corners::half_pixel, 14>(a); }, r);
}
