// The kernels of slice, concat and permute against the CPU ops.
#include <dcs/ops/rearrange/cuda.cuh>
#include <dcs/ops/rearrange/rearrange.hpp>

#include "../cuda/compare.hpp"

using namespace dcs;

namespace {

template <int C>
using map = shape<dyn<"n">, dyn<"h">, 3, C>;
template <int C>
auto normal(std::uint64_t stream, extent_t n, extent_t h) {
  return random_normal<double, map<C>>({n, h, 3, C}, {1, stream});
}

template <class Body>
void over_sizes(const Body& body) {
  for (extent_t n : {0, 1, 3})
    for (extent_t h : {1, 2, 35}) body(n, h);
}

template <int... Axes>
const auto permuted = [](const auto& x) { return permute<Axes...>(x); };

}  // namespace

TEST_CASE("kernel copy_rows: slice and concat equal the CPU ops, at multiples of a packet and not") {
  over_sizes([](extent_t n, extent_t h) {
    kernel_test::compare([](const auto& x) { return slice<3, 8, 16>(x); }, normal<32>(1, n, h));
    kernel_test::compare([](const auto& x) { return slice<3, 1, 4>(x); }, normal<8>(1, n, h));
    kernel_test::compare([](const auto& x) { return slice<2, 1>(x); }, normal<5>(1, n, h));
    kernel_test::compare([](const auto& a, const auto& b) { return concat<3>(a, b, a); }, normal<16>(1, n, h), normal<8>(2, n, h));
    kernel_test::compare([](const auto& a, const auto& b) { return concat<channel>(a, b); }, normal<3>(1, n, h), normal<8>(2, n, h));
    kernel_test::compare([](const auto& a, const auto& b) { return concat<2>(a, b); }, normal<7>(1, n, h), normal<7>(2, n, h));
    if (h > 2) return;
    CHECK(kernel_test::gradcheck([](const auto& x) { return slice<3, 1, 4>(x); }, normal<8>(1, n, h)) < 1e-6);
    CHECK(kernel_test::gradcheck([](const auto& a, const auto& b) { return concat<3>(a, b, a); }, normal<16>(1, n, h), normal<3>(2, n, h)) < 1e-6);
  });
}
TEST_CASE("kernel turn_tiles: permute equals the CPU op, whichever axes are exchanged") {
  over_sizes([](extent_t n, extent_t h) {
    kernel_test::compare(permuted<0, 2, 1, 3>, normal<16>(1, n, h));  // the last axis stays
    kernel_test::compare(permuted<2, 0, 1, 3>, normal<5>(1, n, h));
    kernel_test::compare(permuted<0, 3, 1, 2>, normal<40>(1, n, h));
    kernel_test::compare(permuted<3, 2, 1, 0>, normal<33>(1, n, h));
    kernel_test::compare(permuted<3, 0, 2, 1>, normal<8>(1, n, h));
    kernel_test::compare(permuted<0, 1, 3, 2>, normal<1>(1, n, h));
    kernel_test::compare(permuted<0, 1, 3, 2>, normal<37>(1, n, h));
    CHECK(kernel_test::gradcheck(permuted<3, 0, 2, 1>, normal<8>(1, n, h)) < 1e-6);
  });
}
TEST_CASE("reshape on the device shares memory, and its gradient comes back") {
  kernel_test::compare([](const auto& x) { return eval(reshape<shape<dyn<"n">, dyn<"tokens">, 4>>(x) * 2); }, normal<4>(1, 2, 5));
}
