// The table docs/devices.md: which op runs on which device in which type, forward and backward. A cell is earned: the op runs there, and result and
// gradients are those of the host in double, to the type's accuracy. The test compares what it finds with the file; with DCS_WRITE_TABLE set it
// writes the file instead.
#include <dcs/cuda/kernels.cuh>
#include <dcs/dcs.hpp>

#include "compare.hpp"

#include <cstdlib>
#include <fstream>
#include <sstream>

using namespace dcs;

namespace {

template <class T>
inline constexpr double accuracy = std::is_same_v<T, double>  ? 1e-10
                                   : std::is_same_v<T, float> ? 2e-5
                                                              : 3e-2;

template <class T, class S>
tensor<T, S> held(const tensor<double, S>& x) {
  return kernel_test::rounded<T>(kernel_test::rounded<bf16>(x));
}

// What of f runs on D in T.
template <class D, class T, class F, class... S>
std::string cell(const F& f, const tensor<double, S>&... x) {
  const auto wanted = kernel_test::run<cpu_device>(f, held<double>(x)...);
  const auto measured = kernel_test::run<D>(f, held<T>(x)...);
  const auto agrees = [&]<std::size_t I>(std::integral_constant<std::size_t, I>) {
    const double d = kernel_test::difference(std::get<I>(measured), std::get<I>(wanted));
    if (!(d < accuracy<T>)) MESSAGE(D::name, " ", name(dtype_of<T>), ": entry ", I, " is off by ", d);
    return d < accuracy<T>;
  };
  const bool forward = agrees(std::integral_constant<std::size_t, 0>{});
  const bool backward = [&]<std::size_t... I>(std::index_sequence<I...>) { return (agrees(std::integral_constant<std::size_t, I + 1>{}) && ...); }
  (std::make_index_sequence<sizeof...(S)>{});
  return forward && backward ? "forward, backward" : forward ? "forward" : "–";
}

struct table {
  std::ostringstream text;

  void line(const char* op, const std::vector<std::string>& cells) {
    INFO(op);
    text << "| " << op << " |";
    for (const auto& c : cells) text << " " << c << " |";
    text << "\n";
  }
  template <class F, class... S>
  void row(const char* op, const F& f, const tensor<double, S>&... x) {
    CAPTURE(op);
    using D = cuda::emulated;
    line(op, {cell<cpu_device, float>(f, x...), cell<cpu_device, double>(f, x...), cell<D, float>(f, x...), cell<D, bf16>(f, x...),
              cell<D, double>(f, x...)});
  }
};

template <class S>
auto normal(std::uint64_t stream, const sizes<S::rank>& n) {
  return random_normal<double, S>(n, {12, stream});
}
template <class S>
auto binary(std::uint64_t stream, const sizes<S::rank>& n) {
  auto t = normal<S>(stream, n);
  for (double& v : t.values()) v = v > 0 ? 1 : 0;
  return t;
}
template <class X, class S>
auto beside(const X&, const tensor<double, S>& t) {
  return to<device_t<X>>(held<value_t<X>>(t));
}

using map = shape<dyn<"n">, 6, 7, 8>;
using logits = shape<dyn<"n">, 8, 8, 1>;

void pointwise_rows(table& t) {
  const auto x = normal<map>(1, {2, 6, 7, 8});
  const auto c = normal<shape<8>>(2, {8}), d = normal<shape<8>>(3, {8});
  t.row(
      "pointwise chains, broadcasting", [](const auto& a, const auto& s, const auto& b) { return relu(a * s + b) * sigmoid(a); }, x, c, d);
  t.row(
      "sum", [](const auto& a) { return sum<0, 3>(a); }, x);
  t.row(
      "mean", [](const auto& a) { return mean<1, 2>(a); }, x);
  t.row(
      "softmax", [](const auto& a) { return softmax<channel>(a); }, x);
  t.row(
      "softmax-weighted sum of maps",
      [](const auto& l, const auto& a, const auto& b, const auto& e, const auto& f) {
        const auto w = softmax<channel>(l);
        return slice<channel, 0>(w) * a + slice<channel, 1>(w) * b + slice<channel, 2>(w) * e + slice<channel, 3>(w) * f;
      },
      normal<shape<dyn<"n">, 6, 7, 4>>(4, {2, 6, 7, 4}), x, normal<map>(5, {2, 6, 7, 8}), normal<map>(6, {2, 6, 7, 8}), normal<map>(7, {2, 6, 7, 8}));
  using heads = shape<dyn<"n">, 2, 20, 16>;
  t.row(
      "attention",
      [](const auto& q, const auto& k, const auto& v) {
        return attention(q, k, v, 0.25, 0.1, {5, 5});
      },
      normal<heads>(8, {1, 2, 20, 16}), normal<heads>(9, {1, 2, 20, 16}), normal<heads>(10, {1, 2, 20, 16}));
}

void product_rows(table& t) {
  const auto x = normal<map>(1, {2, 6, 7, 8});
  const auto b = normal<shape<16>>(3, {16});
  t.row(
      "conv2d", [](const auto& a, const auto& w) { return conv2d<2, 1>(a, w); }, x, normal<shape<3, 3, 8, 16>>(2, {3, 3, 8, 16}));
  t.row(
      "conv2d, depthwise", [](const auto& a, const auto& w) { return conv2d<1, 1, 1, 8>(a, w); }, x, normal<shape<3, 3, 1, 8>>(4, {3, 3, 1, 8}));
  t.row(
      "conv2d + bias, relu", [](const auto& a, const auto& w, const auto& c) { return relu(conv2d<1, 0>(a, w, c)); }, x,
      normal<shape<1, 1, 8, 16>>(5, {1, 1, 8, 16}), b);
  t.row(
      "conv2d · scale + shift + residual, relu",
      [&](const auto& a, const auto& w, const auto& r) {
        const auto scale = beside(a, normal<shape<8>>(6, {8})), shift = beside(a, normal<shape<8>>(7, {8}));
        return relu(conv2d<1, 1>(a, w) * scale + shift + r);
      },
      x, normal<shape<3, 3, 8, 8>>(8, {3, 3, 8, 8}), normal<map>(9, {2, 6, 7, 8}));
  using rows = shape<dyn<"n">, 24>;
  t.row(
      "linear", [](const auto& a, const auto& w, const auto& c) { return linear(a, w, c); }, normal<rows>(10, {5, 24}),
      normal<shape<24, 16>>(11, {24, 16}), b);
  t.row(
      "matmul", [](const auto& a, const auto& c) { return matmul(a, transpose(c)); }, normal<shape<dyn<"n">, 5, 24>>(12, {2, 5, 24}),
      normal<shape<dyn<"n">, 7, 24>>(13, {2, 7, 24}));
  t.row(
      "transpose", [](const auto& a) { return eval(transpose(a)); }, x);
}

void norm_rows(table& t) {
  const auto x = normal<map>(1, {2, 6, 7, 8}), r = normal<map>(2, {2, 6, 7, 8});
  const auto g = normal<shape<8>>(3, {8}), b = normal<shape<8>>(4, {8});
  const auto training = [](const auto& a, const auto& scale, const auto& shift) {
    const auto mean = beside(a, tensor<double, shape<8>>::zeros()), variance = beside(a, tensor<double, shape<8>>::zeros());
    return batch_norm_training(a, scale, shift, mean, variance);
  };
  t.row(
      "batch_norm_training", [&](const auto& a, const auto& s, const auto& h) { return eval(training(a, s, h)); }, x, g, b);
  t.row(
      "batch_norm_training + residual + relu",
      [&](const auto& a, const auto& s, const auto& h, const auto& e) { return eval(relu(training(a, s, h) + e)); }, x, g, b, r);
  t.row(
      "batch_norm_inference",
      [&](const auto& a) {
        const auto one = beside(a, tensor<double, shape<8>>::full(1));
        return eval(batch_norm_inference(a, beside(a, g), beside(a, b), beside(a, b), one));
      },
      x);
  t.row(
      "layer_norm", [](const auto& a, const auto& s, const auto& h) { return layer_norm(a, s, h); }, x, g, b);
  t.row(
      "layer_norm of a sum", [](const auto& a, const auto& e, const auto& s, const auto& h) { return layer_norm(a, e, s, h); }, x, r, g, b);
}

void map_rows(table& t) {
  const auto x = normal<map>(1, {2, 6, 7, 8});
  t.row(
      "max_pool2d", [](const auto& a) { return max_pool2d<3, 2, 1>(a); }, x);
  t.row(
      "avg_pool2d", [](const auto& a) { return avg_pool2d<3, 2, 1>(a); }, x);
  t.row(
      "global_avg_pool", [](const auto& a) { return global_avg_pool(a); }, x);
  t.row(
      "resize_bilinear, corners aligned", [](const auto& a) { return resize_bilinear<corners::aligned, 11, 4>(a); }, x);
  t.row(
      "resize_bilinear, half pixels", [](const auto& a) { return resize_bilinear<corners::half_pixel, 4, 13>(a); }, x);
  t.row(
      "resize_nearest_like", [&](const auto& a) { return resize_nearest_like(a, beside(a, tensor<double, shape<1, 12, 14, 1>>::zeros())); }, x);
  t.row(
      "dropout",
      [](const auto& a) {
        return dropout(a, 0.2, {3, 3});
      },
      x);
  t.row(
      "channel_dropout",
      [](const auto& a) {
        return channel_dropout(a, 0.2, {3, 3});
      },
      x);
  t.row(
      "slice", [](const auto& a) { return slice<channel, 2, 4>(a); }, x);
  t.row(
      "concat", [](const auto& a, const auto& b) { return concat<channel>(a, b); }, x, normal<map>(2, {2, 6, 7, 8}));
  t.row(
      "permute", [](const auto& a) { return permute<0, 3, 1, 2>(a); }, x);
  t.row(
      "reshape", [](const auto& a) { return reshape<shape<dyn<"n">, 42, 8>>(a); }, x);
}

void region_rows(table& t) {
  const auto x = normal<map>(1, {2, 6, 7, 8});
  const auto rois = tensor<double, shape<2, 5>>::from(std::vector<double>{0, 2, 1, 20, 17, 1, 0, 4, 27, 22});
  const auto on = [](const auto& a, const auto& r) { return to<device_t<std::remove_cvref_t<decltype(a)>>>(kernel_test::rounded<float>(r)); };
  t.row(
      "roi_align", [&](const auto& a) { return roi_align<3>(a, on(a, rois), roi_options{0.25}); }, x);
  t.row(
      "roi_align_pyramid",
      [&](const auto& a, const auto& b) {
        const auto [first, second] = roi_align_pyramid<4, 2>(std::tuple(a, b), on(a, rois), {4, 8});
        return eval(mean<1, 2>(first) + mean<1, 2>(second));
      },
      x, normal<shape<dyn<"n">, 3, 4, 8>>(2, {2, 3, 4, 8}));
  t.row(
      "gather_rows",
      [](const auto& a, const auto& b) {
        return gather_rows<4>({{0, 3}, {1, 0}, {0, 3}, {1, 2}}, a, b);
      },
      x, normal<map>(3, {2, 6, 7, 8}));
}

void loss_rows(table& t) {
  const auto x = normal<logits>(1, {2, 8, 8, 1});
  const auto target = binary<logits>(2, {2, 8, 8, 1});
  t.row(
      "dice", [&](const auto& a) { return loss::dice(sigmoid(a), beside(a, target)); }, x);
  t.row(
      "focal", [&](const auto& a) { return loss::focal(a, beside(a, target)); }, x);
  t.row(
      "binary_cross_entropy", [&](const auto& a) { return loss::binary_cross_entropy(a, beside(a, target)); }, x);
  t.row(
      "boundary", [&](const auto& a) { return loss::boundary(a, beside(a, target)); }, x);
  t.row(
      "edge", [&](const auto& a) { return loss::edge(a, beside(a, target)); }, x);
  t.row(
      "consistency",
      [](const auto& a, const auto& b, const auto& c, const auto& d) {
        return loss::consistency(std::array{a, b, c, d});
      },
      x, normal<logits>(3, {2, 8, 8, 1}), normal<logits>(4, {2, 8, 8, 1}), normal<logits>(5, {2, 8, 8, 1}));
  using deltas = shape<dyn<"n">, 4>;
  const auto box = normal<deltas>(6, {9, 4});
  t.row(
      "smooth_l1_sum", [&](const auto& a) { return loss::smooth_l1_sum(a, beside(a, box)); }, normal<deltas>(7, {9, 4}));
  t.row(
      "cross_entropy",
      [](const auto& a) {
        return loss::cross_entropy(a, {0, 1, 1, 0, 1});
      },
      normal<shape<dyn<"n">, 2>>(8, {5, 2}));
}

// Proposals have no gradient; they are compared as boxes.
void proposal_row(table& t) {
  const auto objectness = normal<shape<dyn<"n">, 8, 8, 3>>(1, {2, 8, 8, 3});
  const auto deltas = normal<shape<dyn<"n">, 8, 8, 12>>(2, {2, 8, 8, 12});
  const auto found = [&]<class T, class D>(T, D) {
    const auto s = to<D>(held<T>(objectness)), d = to<D>(held<T>(deltas));
    return propose_all<cuda::arithmetic_t<T>>(D{}, rpn_options{}, false, 64, 64,
                                              rpn_level<std::remove_const_t<decltype(s)>, std::remove_const_t<decltype(d)>>{s, d});
  };
  const auto wanted = found(double{}, cpu_device{});
  const auto run = [&]<class T, class D>(T, D) -> std::string {
    const auto measured = found(T{}, D{});
    if (measured.size() != wanted.size()) return "–";
    for (std::size_t n = 0; n < wanted.size(); ++n) {
      if (measured[n].size() != wanted[n].size()) return "–";
      for (std::size_t i = 0; i < wanted[n].size(); ++i) {
        const auto& a = measured[n][i];
        const auto& b = wanted[n][i];
        for (double e : {double{a.x1} - b.x1, double{a.y1} - b.y1, double{a.x2} - b.x2, double{a.y2} - b.y2})
          if (std::abs(e) > 1e-3) return "–";
      }
    }
    return "forward";
  };
  t.line("proposals", {run(float{}, cpu_device{}), run(double{}, cpu_device{}), run(float{}, cuda::emulated{}), run(bf16{}, cuda::emulated{}),
                       run(double{}, cuda::emulated{})});
}

}  // namespace

TEST_CASE("docs/devices.md says what runs where") {
  table t;
  t.text << R"(# What runs where

Ops and losses of the network, by device and element type, forward and backward. `test_cuda_devices` makes this table by running every op and comparing
result and gradients with those of the host in f64; it fails where the table says something else. `DCS_WRITE_TABLE=1 test_cuda_devices` writes it.

The host computes in f32 and f64. A GPU computes in f32 and bf16, with sums in f32. All columns of `cuda` are measured on the host in the place of a GPU
(`cuda::emulated`), which runs the same kernels and checks every access; f64 is there alone. What cuDNN and cuBLASLt do on a GPU, dense convolutions and
matrix products, is there the host's.

| op | cpu f32 | cpu f64 | cuda f32 | cuda bf16 | cuda f64 |
|---|---|---|---|---|---|
)";
  pointwise_rows(t);
  product_rows(t);
  norm_rows(t);
  map_rows(t);
  region_rows(t);
  proposal_row(t);
  loss_rows(t);
  const char* tests = std::getenv("DCS_TEST_DATA");
  REQUIRE(tests != nullptr);
  const std::string path = std::string(tests) + "/../docs/devices.md";
  if (std::getenv("DCS_WRITE_TABLE")) {
    std::ofstream(path) << t.text.str();
    return;
  }
  std::ostringstream committed;
  committed << std::ifstream(path).rdbuf();
  CHECK(committed.str() == t.text.str());
}
