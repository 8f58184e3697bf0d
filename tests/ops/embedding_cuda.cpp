// An embedding whose table lies on a device, against the host's: the kernels of gathered rows over whole tables.
#include <dcs/ops/embedding/embedding.hpp>
#include <dcs/ops/gather/cuda.cuh>

#include "../cuda/compare.hpp"

using namespace dcs;

TEST_CASE("an embedding on a device: values, and rows looked up several times in the same bits whatever the order of blocks") {
  const auto weight = random_normal<double, shape<9, 12>>({9, 12}, {1, 1});
  for (extent_t n : {0, 1, 3, 40}) {
    auto ids = tensor<std::int64_t, shape<dyn<"n">, 2>>::empty({n, 2});
    for (extent_t i = 0; i < ids.size(); ++i) ids.data()[i] = random_stream{3, 1}.below(static_cast<std::uint64_t>(i), 9);
    const auto f = [&](const auto& w) { return embedding(ids, w); };
    kernel_test::compare(f, weight);
    CHECK(kernel_test::gradcheck(f, weight) < 1e-6);
  }
}
