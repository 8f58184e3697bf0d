// The kernel of dropout against the CPU op.
#include <dcs/ops/dropout/cuda.cuh>
#include <dcs/ops/dropout/dropout.hpp>

#include "../cuda/compare.hpp"

using namespace dcs;

namespace {

const random_stream stream{0x123456789ABCDEFull, 77};
template <bool ByChannel>
auto dropped(double p) {
  return [p](const auto& x) {
    if constexpr (ByChannel)
      return channel_dropout(x, p, stream);
    else
      return dropout(x, p, stream);
  };
}

// Rows of one element, of no whole packet, of packets.
template <class Body>
void over_shapes(const Body& body) {
  auto at = [&]<int C>(std::integral_constant<int, C>) {
    for (extent_t n : {0, 1, 3})
      for (extent_t inner : {1, 50}) body(random_normal<double, shape<dyn<"n">, dyn<"i">, C>>({n, inner, C}, {1, C}));
  };
  at(std::integral_constant<int, 1>{});
  at(std::integral_constant<int, 7>{});
  at(std::integral_constant<int, 24>{});
}

template <bool ByChannel, class X>
void expect_same_bits(const X& x) {
  const auto on_host = kernel_test::rounded<float>(x);
  for (double p : {0.01, 0.2, 0.5, 0.9}) {
    const auto wanted = dropped<ByChannel>(p)(on_host), measured = to<cpu_device>(dropped<ByChannel>(p)(to<kernel_test::target>(on_host)));
    CHECK(std::memcmp(wanted.data(), measured.data(), static_cast<std::size_t>(wanted.bytes())) == 0);
  }
}

}  // namespace

TEST_CASE("kernel dropout: the bits of the CPU op, by element and by channel, forward and backward") {
  over_shapes([](const auto& x) {
    expect_same_bits<false>(x);
    expect_same_bits<true>(x);
    kernel_test::compare(dropped<false>(0.3), x);
    kernel_test::compare(dropped<true>(0.3), x);
    if (x.size() < 400) CHECK(kernel_test::gradcheck(dropped<false>(0.3), x) < 1e-6);
    if (x.size() < 400) CHECK(kernel_test::gradcheck(dropped<true>(0.3), x) < 1e-6);
  });
}
