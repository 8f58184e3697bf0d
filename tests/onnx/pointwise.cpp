// Pointwise chains, reductions, and rows and volumes as nodes. Values are compared by onnxruntime (compare.py).
#include "check_export.hpp"

using namespace check;
using onnx::input;

using map = shape<dyn<"batch">, 4, 5, 6>;

// An op and a function from outside of the library.
namespace mine {

template <class T>
void mirror_forward(cpu_device, const T* x, std::int64_t rows, std::int64_t width, std::int64_t channels, T* y) {
  for (std::int64_t r = 0; r < rows; ++r)
    for (std::int64_t w = 0; w < width; ++w) std::copy_n(x + (r * width + w) * channels, channels, y + (r * width + width - 1 - w) * channels);
}
template <operand X>
auto mirror(const X& x) {
  const auto [n, h, w, c] = x.sizes();
  auto y = X::empty(x.sizes());
  mirror_forward(device_t<X>{}, x.data(), n * h, w, c, y.data());
  return y;
}
struct soft_sign {
  template <class T>
  static T f(T x) {
    return x / (T(1) + std::abs(x));
  }
  template <int, class T>
  static T df(T, T x) {
    const T d = T(1) + std::abs(x);
    return T(1) / (d * d);
  }
};

}  // namespace mine
namespace dcs::onnx {

template <class T>
void mirror_forward(device, const T* x, std::int64_t rows, std::int64_t width, std::int64_t channels, T* y) {
  graph& g = tracing::now().graph;
  const dims extents{rows, width, channels};
  const id in = at(x, extents);
  set(y, g.add("Slice", {in, g.list({width - 1}), g.list({-width - 1}), g.list({1}), g.list({-1})}, extents, g[in].free));
}
template <>
struct function<mine::soft_sign> {
  static id write(graph& g, const std::array<id, 1>& x, const dims& extents, int free) { return g.add("Softsign", {x[0]}, extents, free); }
};

}  // namespace dcs::onnx

TEST_CASE("an op and a function of one's own") {
  const auto file = exported(
      "own", [](const auto& x) { return apply<mine::soft_sign>(mine::mirror(x)) * 2; }, input<map>("x"));
  CHECK(times(file, "Softsign") == 1);
}

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

TEST_CASE("norms that are not over the batch") {
  exported(
      "group_norm", [](const auto& x, const auto& g) { return group_norm<3>(x, g, g); }, input<map>("x"), input<shape<6>>("g"));
  exported(
      "instance_and_rms_norm", [](const auto& x, const auto& g) { return rms_norm(instance_norm(x), g); }, input<map>("x"), input<shape<6>>("g"));
}

TEST_CASE("activations and selections") {
  exported(
      "activations", [](const auto& x) { return gelu(x) + gelu_tanh(x) * silu(x) - hard_sigmoid(x) * softplus(x) + mish(x) * hard_swish(x); },
      input<map>("x"));
  exported(
      "slopes", [](const auto& x, const auto& y) { return leaky_relu(prelu(x, y), 0.1) + elu(x, 1.5) * pow(square(x) + 1, y); }, input<map>("x"),
      input<shape<6>>("y"));
  exported(
      "selections", [](const auto& x, const auto& y) { return where(greater(x, y), clip(x, -0.5, 1), erf(y)); }, input<map>("x"),
      input<shape<6>>("y"));
  exported(
      "comparisons",
      [](const auto& x, const auto& y) { return less(x, y) + 2 * greater_equal(x, y) + less_equal(x, 0) - not_equal(x, y) * equal(y, y); },
      input<map>("x"), input<shape<6>>("y"));
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
