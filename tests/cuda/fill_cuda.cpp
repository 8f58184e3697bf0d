// Memory of the device: filled, copied there and back.
#include "compare.hpp"

using namespace dcs;
using kernel_test::target;

TEST_CASE("kernel fill: a tensor filled, copied there and back") {
  using S = shape<dyn<"n">, 3>;
  for (extent_t n : {0, 1, 171}) {
    const auto t = tensor<float, S, target>::full({n, 3}, 2.5f);
    const auto h = to<cpu_device>(t.clone());
    CHECK(h.size() == n * 3);
    for (float v : h.values()) CHECK(v == 2.5f);
  }
  CHECK(to<target>(tensor<double, shape<>>::full(4.0)).item() == 4.0);
}
