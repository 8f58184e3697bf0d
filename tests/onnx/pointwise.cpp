// Pointwise chains, reductions, and rows and volumes as nodes. Values are compared by onnxruntime (compare.py).
#include "check_export.hpp"

using namespace check;
using onnx::input;

using map = shape<dyn<"batch">, 4, 5, 6>;

TEST_CASE("reductions") {
  exported(
      "sum", [](const auto& x) { return sum<1, 3>(x); }, input<map>("x"));
  exported(
      "mean", [](const auto& x) { return mean<1, 2>(x); }, input<map>("x"));
  exported(
      "mean_of_all", [](const auto& x) { return mean_all(x); }, input<map>("x"));
  exported(
      "sum_over_batch", [](const auto& x) { return sum<0>(x); }, input<map>("x"));
}

TEST_CASE("pointwise chains") {
  const auto one = exported(
      "functions", [](const auto& x) { return tanh(sigmoid(x) * 2 - exp(-square(x))) / (1 + abs(x)) + log(sqrt(square(x) + 1)) + relu(x); },
      input<map>("x"));
  CHECK(times(one, "Reshape") == 0);
  CHECK(times(one, "Transpose") == 0);
  exported(
      "bounds", [](const auto& x, const auto& y) { return maximum(minimum(x, y), x * 0.5); }, input<map>("x"), input<map>("y"));
  exported(
      "broadcast_channels", [](const auto& x, const auto& y) { return x * y + y; }, input<map>("x"), input<shape<6>>("y"));
  exported(
      "broadcast_pixels", [](const auto& x, const auto& y) { return x * y; }, input<map>("x"), input<shape<dyn<"batch">, 1, 5, 1>>("y"));
  exported(
      "broadcast_both", [](const auto& x, const auto& y) { return x + y; }, input<shape<4, 1, 6>>("x"), input<shape<5, 1>>("y"));
}

TEST_CASE("volumes and rows") {
  using volume = shape<dyn<"batch">, 5, 6, 4, 3>;
  exported(
      "conv3d", [](const auto& x, const auto& w, const auto& b) { return conv3d<2, 1>(x, w, b); }, input<volume>("x"),
      input<shape<3, 3, 3, 3, 4>>("w"), input<shape<4>>("b"));
  exported(
      "conv_transpose3d", [](const auto& x, const auto& w, const auto& b) { return conv_transpose3d<2>(x, w, b); }, input<volume>("x"),
      input<shape<2, 2, 2, 4, 3>>("w"), input<shape<4>>("b"));
  exported(
      "max_pool3d", [](const auto& x) { return max_pool3d<2>(x); }, input<volume>("x"));
  exported(
      "resize_trilinear", [](const auto& x) { return resize_trilinear<corners::half_pixel, 7, 3, 8>(x); }, input<volume>("x"));
  exported(
      "conv1d", [](const auto& x, const auto& w) { return conv1d<2, 1>(x, w); }, input<shape<dyn<"batch">, 9, 4>>("x"), input<shape<3, 4, 5>>("w"));
}
