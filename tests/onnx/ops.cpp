// Ops as nodes: windows, products and pointwise chains. Values are compared by onnxruntime (compare.py); here is what the file consists of.
#include "check_export.hpp"

using namespace check;
using onnx::input;

using map = shape<dyn<"batch">, 9, 8, 6>;

TEST_CASE("convolutions") {
  const auto one = exported(
      "conv2d", [](const auto& x, const auto& w, const auto& b) { return conv2d<2, 1>(x, w, b); }, input<map>("x"), input<shape<3, 3, 6, 4>>("w"),
      input<shape<4>>("b"));
  CHECK(one.operators == std::vector<std::string>{"Transpose", "Transpose", "Conv", "Transpose", "Identity"});
  exported(
      "conv2d_dilated", [](const auto& x, const auto& w) { return conv2d<1, 2, 2>(x, w); }, input<map>("x"), input<shape<3, 3, 6, 4>>("w"));
  exported(
      "conv2d_groups", [](const auto& x, const auto& w) { return conv2d<1, 1, 1, 3>(x, w); }, input<map>("x"), input<shape<3, 3, 2, 9>>("w"));
  exported(
      "conv2d_epilogue",
      [](const auto& x, const auto& w, const auto& s, const auto& b, const auto& r) { return relu(conv2d<1, 1>(x, w) * s + b + r); }, input<map>("x"),
      input<shape<3, 3, 6, 6>>("w"), input<shape<6>>("s"), input<shape<6>>("b"), input<map>("r"));
  exported(
      "conv_transpose2d", [](const auto& x, const auto& w, const auto& b) { return conv_transpose2d<2, 1, 1>(x, w, b); }, input<map>("x"),
      input<shape<3, 3, 4, 6>>("w"), input<shape<4>>("b"));
  exported(
      "conv_transpose2d_groups", [](const auto& x, const auto& w) { return conv_transpose2d<2, 0, 0, 2>(x, w); }, input<map>("x"),
      input<shape<2, 2, 5, 6>>("w"));
}

TEST_CASE("pools and resizing") {
  exported(
      "max_pool", [](const auto& x) { return max_pool2d<3, 2, 1>(x); }, input<map>("x"));
  exported(
      "avg_pool", [](const auto& x) { return avg_pool2d<3, 2, 1>(x); }, input<map>("x"));
  exported(
      "global_avg_pool", [](const auto& x) { return global_avg_pool(x); }, input<map>("x"));
  exported(
      "resize_aligned", [](const auto& x) { return resize_bilinear<corners::aligned, 20, 5>(x); }, input<map>("x"));
  exported(
      "resize_half_pixel", [](const auto& x) { return resize_bilinear<corners::half_pixel, 13, 24>(x); }, input<map>("x"));
  exported(
      "resize_down", [](const auto& x) { return resize_bilinear<corners::half_pixel, 4, 3>(x); }, input<shape<2, 9, 8, 3>>("x"));
  exported(
      "resize_nearest", [](const auto& x) { return resize_nearest_by<2>(x); }, input<map>("x"));
}

TEST_CASE("products, softmax and attention") {
  exported(
      "linear", [](const auto& x, const auto& w, const auto& b) { return linear(x, w, b); }, input<map>("x"), input<shape<6, 5>>("w"),
      input<shape<5>>("b"));
  using matrices = shape<dyn<"batch">, 3, 4, 5>;
  exported(
      "matmul", [](const auto& a, const auto& b) { return matmul(a, transpose(b)); }, input<matrices>("a"), input<matrices>("b"));
  exported(
      "matmul_left", [](const auto& a, const auto& b) { return matmul(transpose(a), b); }, input<matrices>("a"), input<matrices>("b"));
  exported(
      "transpose", [](const auto& a) { return transpose(a); }, input<matrices>("a"));
  exported(
      "softmax_inner", [](const auto& x) { return softmax<1>(x); }, input<map>("x"));
  exported(
      "softmax_last", [](const auto& x) { return softmax<channel>(x); }, input<map>("x"));
  exported(
      "attention", [](const auto& q, const auto& k, const auto& v) { return matmul(softmax<3>(matmul(q, transpose(k)) * 0.5), v); },
      input<matrices>("q"), input<shape<dyn<"batch">, 3, 7, 5>>("k"), input<shape<dyn<"batch">, 3, 7, 5>>("v"));
  exported(
      "weighted_sum",
      [](const auto& l, const auto& a, const auto& b) {
        const auto w = softmax<channel>(l);
        return slice<channel, 0>(w) * a + slice<channel, 1>(w) * b;
      },
      input<shape<dyn<"batch">, 9, 8, 2>>("l"), input<map>("a"), input<map>("b"));
}
