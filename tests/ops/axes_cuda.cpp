// Ops that rearrange by the kernels of others, on the device against the host: expand, stack, flip, roll and pad, and the products of einsum.
#if defined(__CUDACC__)
#include <dcs/cuda/cublas.cuh>
#endif
#include <dcs/cuda/gemm.cuh>
#include <dcs/ops/einsum/einsum.hpp>
#include <dcs/ops/pad/pad.hpp>
#include <dcs/ops/rearrange/cuda.cuh>

#include "../cuda/compare.hpp"

using namespace dcs;

namespace {

constexpr extent n = dyn<"n">, h = dyn<"h">;

template <extent... E, class... Size>
auto normal(std::uint64_t stream, Size... size) {
  return random_normal<double, shape<E...>>({size...}, {1, stream});
}
template <int... Axes>
const auto flipped = [](const auto& x) { return flip<Axes...>(x); };

template <class Body>
void over_sizes(const Body& body) {
  for (extent_t images : {0, 1, 3})
    for (extent_t rows : {1, 2, 35}) body(images, rows);
}

}  // namespace

TEST_CASE("flip on the device equals the host's: strides that count backwards, whole packets and not") {
  over_sizes([](extent_t images, extent_t rows) {
    const auto x = normal<n, h, 3, 16>(1, images, rows, 3, 16);
    kernel_test::compare(flipped<0>, x), kernel_test::compare(flipped<1>, x), kernel_test::compare(flipped<2>, x);
    kernel_test::compare(flipped<3>, x), kernel_test::compare(flipped<1, 2>, x), kernel_test::compare(flipped<0, 1, 2, 3>, x);
    kernel_test::compare(flipped<1>, normal<n, h, 5>(2, images, rows, 5));
    kernel_test::compare(flipped<1>, normal<n, h, 1>(3, images, rows, 1));
    if (rows <= 2) CHECK(kernel_test::gradcheck(flipped<1, 3>, x) < 1e-6);
  });
}
TEST_CASE("expand on the device equals the host's: along the last axis, inner ones and new ones") {
  over_sizes([](extent_t images, extent_t rows) {
    const auto wide = [=](const auto& x) { return expand<shape<n, h, 3, 16>>(x, {images, rows, 3, 16}); };
    kernel_test::compare(wide, normal<n, h, 3, 1>(1, images, rows, 3, 1));
    kernel_test::compare(wide, normal<n, 1, 3, 16>(2, images, 1, 3, 16));
    kernel_test::compare(wide, normal<1, h, 1, 1>(3, 1, rows, 1, 1));
    kernel_test::compare(wide, normal<3, 16>(4, 3, 16));
    kernel_test::compare(wide, normal<n, h, 3, 16>(5, images, rows, 3, 16));
    kernel_test::compare([](const auto& x) { return expand<shape<7, 5>>(x); }, normal<>(6));
    if (rows <= 2) CHECK(kernel_test::gradcheck(wide, normal<n, 1, 3, 1>(7, images, 1, 3, 1)) < 1e-6);
  });
}
TEST_CASE("roll, stack, squeeze and unsqueeze on the device equal the host's") {
  over_sizes([](extent_t images, extent_t rows) {
    const auto x = normal<n, h, 16>(1, images, rows, 16), y = normal<n, h, 16>(2, images, rows, 16);
    for (const extent_t shift : {0, 1, -8, 17}) {
      kernel_test::compare([=](const auto& a) { return roll<0>(a, shift); }, x);
      kernel_test::compare([=](const auto& a) { return roll<1>(a, shift); }, x);
      kernel_test::compare([=](const auto& a) { return roll<2>(a, shift); }, x);
    }
    kernel_test::compare([](const auto& a, const auto& b) { return stack<1>(a, b, a); }, x, y);
    kernel_test::compare([](const auto& a, const auto& b) { return stack<-1>(a, b); }, x, y);
    kernel_test::compare([](const auto& a) { return eval(squeeze<1>(unsqueeze<1>(a)) * 2); }, x);
    if (rows <= 2) CHECK(kernel_test::gradcheck([](const auto& a, const auto& b) { return roll<1>(stack<1>(a, b), 3); }, x, y) < 1e-6);
  });
}
TEST_CASE("pad on the device equals the host's") {
  over_sizes([](extent_t images, extent_t rows) {
    const auto x = normal<n, h, 16>(1, images, rows, 16);
    kernel_test::compare([](const auto& a) { return pad<1, 1, 2>(a, 0.5); }, x);
    kernel_test::compare([](const auto& a) { return pad<2, 8, 8>(a); }, x);
    kernel_test::compare([](const auto& a) { return pad<2, 3, 2, pad_mode::reflect>(a); }, x);
    kernel_test::compare([](const auto& a) { return pad<2, 0, 4, pad_mode::replicate>(a); }, x);
  });
}
TEST_CASE("einsum on the device equals the host's") {
  over_sizes([](extent_t images, extent_t rows) {
    const auto x = normal<n, h, 16>(1, images, rows, 16);
    const auto w = normal<8, 16>(2, 8, 16);
    kernel_test::compare([](const auto& a, const auto& b) { return einsum<"nlc,mc->nlm">(a, b); }, x, w);
    kernel_test::compare([](const auto& a, const auto& b) { return einsum<"nlc,mc->mcn">(a, b); }, x, w);
    kernel_test::compare([](const auto& a, const auto& b) { return einsum<"nlc,mc->lnc">(a, b); }, x, w);
    kernel_test::compare([](const auto& a) { return einsum<"nlc->cn">(a); }, x);
    if (rows <= 2) CHECK(kernel_test::gradcheck([](const auto& a, const auto& b) { return einsum<"nlc,mc->nml">(a, b); }, x, w) < 1e-6);
  });
}
