// Memory of the device: filled, copied to the device and back.
#include "compare.hpp"

using namespace dcs;
using kernel_test::target;

TEST_CASE("kernel fill: a tensor filled, copied to the device and back") {
  using S = shape<dyn<"n">, 3>;
  const auto check = [](auto number) {
    using T = decltype(number);
    for (extent_t n : {0, 1, 171})
      for (int order = 0; order < 3; ++order) {
        const auto t = tensor<T, S, target>::full({n, 3}, number);
        const auto h = to<cpu_device>(t.clone());
        CHECK(h.size() == n * 3);
        for (extent_t i = 0; i < h.size(); ++i) CHECK(static_cast<float>(h.data()[i]) == 2.5f);
      }
  };
  check(2.5), check(2.5f), check(static_cast<bf16>(2.5f));
  CHECK(to<target>(tensor<double, shape<>>::full(4.0)).item() == 4.0);
}

TEST_CASE("running out of memory is an error, and later work succeeds") {
  const auto here = to<target>(tensor<float, shape<3>>::full(2.5f));
  if constexpr (!std::is_same_v<target, cuda::emulated>) {
    CHECK_THROWS_AS((void)storage::allocate<target>(std::int64_t{1} << 50), error);
    CHECK_NOTHROW((void)tensor<float, shape<3>, target>::full(2.5f));
  }
  CHECK(to<cpu_device>(here).data()[2] == 2.5f);
}
