// Every loss against PyTorch's and torchvision's, forward and backward: goldens/losses.py.
#include <dcs/loss/detection.hpp>
#include <dcs/loss/segmentation.hpp>

#include "../ops/check_op.hpp"

#include <doctest/doctest.h>

using namespace dcs;

TEST_CASE_TEMPLATE("every loss equals PyTorch's, forward and backward", T, float, double) {
  using S = shape<dyn<"n">, dyn<"h">, dyn<"w">, 1>;
  // f32: a focal loss multiplies small differences from 1.
  constexpr double bound = sizeof(T) == 8 ? 1e-11 : 1e-5;
  const auto file = test::goldens("losses");
  test::for_each_isa([&] {
    for (int i = 0; i < 5; ++i) {
      const std::string n = "." + std::to_string(i);
      const auto t = test::golden_tensor<T, S>(file, "target" + n);
      CHECK(test::golden_error(laplacian_edges(t), file, "edges" + n) == 0);
      test::check_op<T, S>(
          file, "dice" + n, {"x"}, [&](const auto& x) { return loss::dice(sigmoid(x), t); }, bound);
      test::check_op<T, S>(
          file, "focal" + n, {"x"}, [&](const auto& x) { return loss::focal(x, t); }, bound);
      test::check_op<T, S>(
          file, "cross_entropy" + n, {"x"}, [&](const auto& x) { return loss::binary_cross_entropy(x, t); }, bound);
      test::check_op<T, S>(
          file, "edge" + n, {"x"}, [&](const auto& x) { return loss::edge(x, t); }, bound);
      if (t.sizes()[1] > 1) {
        test::check_op<T, S>(
            file, "boundary" + n, {"x"}, [&](const auto& x) { return loss::boundary(sigmoid(x), t); }, bound);
        test::check_op<T, S>(
            file, "segmentation" + n, {"x"}, [&](const auto& x) { return loss::segmentation(x, t); }, bound);
      }
      test::check_op<T, S, S, S, S>(
          file, "consistency" + n, {"level.0", "level.1", "level.2", "level.3"},
          [](const auto& a, const auto& b, const auto& c, const auto& d) {
            return loss::consistency(std::array{a, b, c, d});
          },
          bound);
      using boxes = shape<dyn<"n">, 4>;
      const auto zero = tensor<T, boxes>::zeros(test::golden_tensor<T, boxes>(file, "smooth_l1" + n + "/x").sizes());
      test::check_op<T, boxes>(
          file, "smooth_l1" + n, {"x"}, [&](const auto& x) { return loss::smooth_l1_sum(x, zero); }, bound);
      const auto stored = file.at("labels" + n).as<std::int64_t>();
      const std::vector<int> labels(stored.begin(), stored.end());
      test::check_op<T, shape<dyn<"n">, 3>>(
          file, "classes" + n, {"x"}, [&](const auto& x) { return loss::cross_entropy(x, labels); }, bound);
    }
  });
}
