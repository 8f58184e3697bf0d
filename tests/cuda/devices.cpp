// The first table of docs/devices.md: the network's ops and losses, forward and backward.
#include "devices.hpp"

using namespace dcs;
using namespace device_table;

namespace {

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
      "softmax of long rows", [](const auto& a) { return softmax<1>(a); }, normal<shape<dyn<"n">, 2100>>(11, {2, 2100}));
  t.row(
      "softmax along another axis", [](const auto& a) { return softmax<1>(a); }, x);
  t.row(
      "softmax-weighted sum of maps",
      [](const auto& l, const auto& a, const auto& b, const auto& e, const auto& f) {
        const auto w = softmax<channel>(l);
        return slice<channel, 0>(w) * a + slice<channel, 1>(w) * b + slice<channel, 2>(w) * e + slice<channel, 3>(w) * f;
      },
      normal<shape<dyn<"n">, 6, 7, 4>>(4, {2, 6, 7, 4}), x, normal<map>(5, {2, 6, 7, 8}), normal<map>(6, {2, 6, 7, 8}), normal<map>(7, {2, 6, 7, 8}));
  const auto attend = [](const auto& q, const auto& k, const auto& v) { return attention(q, k, v, 0.25, 0.1, {5, 5}); };
  using heads = shape<dyn<"n">, 2, 20, 32>;
  const sizes<4> n{1, 2, 20, 32};
  t.row("attention", attend, normal<heads>(8, n), normal<heads>(9, n), normal<heads>(10, n));
  t.row(
      "attention as its equation", [](const auto& q, const auto& k, const auto& v) { return matmul(softmax<3>(matmul(q, transpose(k)) * 0.25), v); },
      normal<heads>(8, n), normal<heads>(9, n), normal<heads>(10, n));
  using other_heads = shape<dyn<"n">, 2, 20, 16>;
  const sizes<4> m{1, 2, 20, 16};
  t.row("attention, depth not 32 or 64", attend, normal<other_heads>(8, m), normal<other_heads>(9, m), normal<other_heads>(10, m));
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
  t.row(
      "conv2d, dilated", [](const auto& a, const auto& w) { return conv2d<1, 2, 2>(a, w); }, x, normal<shape<3, 3, 8, 16>>(2, {3, 3, 8, 16}));
  t.row(
      "conv_transpose2d + bias", [](const auto& a, const auto& w, const auto& c) { return conv_transpose2d<2>(a, w, c); }, x,
      normal<shape<2, 2, 16, 8>>(20, {2, 2, 16, 8}), b);
  t.row(
      "conv_transpose2d, depthwise", [](const auto& a, const auto& w) { return conv_transpose2d<2, 1, 1, 8>(a, w); }, x,
      normal<shape<3, 3, 1, 8>>(4, {3, 3, 1, 8}));
  using rows = shape<dyn<"n">, 24>;
  t.row(
      "linear", [](const auto& a, const auto& w, const auto& c) { return linear(a, w, c); }, normal<rows>(10, {5, 24}),
      normal<shape<24, 16>>(11, {24, 16}), b);
  t.row(
      "matmul", [](const auto& a, const auto& c) { return matmul(a, transpose(c)); }, normal<shape<dyn<"n">, 5, 24>>(12, {2, 5, 24}),
      normal<shape<dyn<"n">, 7, 24>>(13, {2, 7, 24}));
  t.row(
      "transpose", [](const auto& a) { return eval(transpose(a)); }, x);
  t.row(
      "einsum, a matrix product", [](const auto& a, const auto& c) { return einsum<"nhwc,mc->nmhw">(a, c); }, x, normal<shape<5, 8>>(14, {5, 8}));
  t.row(
      "einsum, nothing summed over both", [](const auto& a, const auto& c) { return einsum<"nhwc,hw->nchw">(a, c); }, x,
      normal<shape<6, 7>>(15, {6, 7}));
}

void volume_rows(table& t) {
  const auto x = normal<shape<dyn<"n">, 4, 5, 6, 8>>(1, {2, 4, 5, 6, 8});
  const auto r = normal<shape<dyn<"n">, 12, 8>>(2, {2, 12, 8});
  const auto b = normal<shape<16>>(3, {16});
  t.row(
      "conv3d + bias", [](const auto& a, const auto& w, const auto& c) { return conv3d<1, 1>(a, w, c); }, x,
      normal<shape<3, 3, 3, 8, 16>>(4, {3, 3, 3, 8, 16}), b);
  t.row(
      "conv_transpose3d + bias", [](const auto& a, const auto& w, const auto& c) { return conv_transpose3d<2>(a, w, c); }, x,
      normal<shape<2, 2, 2, 16, 8>>(5, {2, 2, 2, 16, 8}), b);
  t.row(
      "conv1d + bias", [](const auto& a, const auto& w, const auto& c) { return conv1d<2, 1>(a, w, c); }, r, normal<shape<3, 8, 16>>(6, {3, 8, 16}),
      b);
  t.row(
      "conv_transpose1d + bias", [](const auto& a, const auto& w, const auto& c) { return conv_transpose1d<2>(a, w, c); }, r,
      normal<shape<2, 16, 8>>(7, {2, 16, 8}), b);
  t.row(
      "unfold", [](const auto& a) { return unfold<1, 3, 1, 1>(a); }, x);
  t.row(
      "max_pool3d", [](const auto& a) { return max_pool3d<2>(a); }, x);
  t.row(
      "avg_pool3d", [](const auto& a) { return avg_pool3d<3, 2, 1>(a); }, x);
  t.row(
      "max_pool1d", [](const auto& a) { return max_pool1d<3, 2, 1>(a); }, r);
  t.row(
      "avg_pool1d", [](const auto& a) { return avg_pool1d<2>(a); }, r);
  t.row(
      "resize_trilinear", [](const auto& a) { return resize_trilinear<corners::aligned, 7, 4, 9>(a); }, x);
  t.row(
      "resize_linear", [](const auto& a) { return resize_linear<corners::half_pixel, 17>(a); }, r);
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
  t.row(
      "group_norm", [](const auto& a, const auto& s, const auto& h) { return group_norm<2>(a, s, h); }, x, g, b);
  t.row(
      "instance_norm, normalise", [](const auto& a) { return instance_norm(a); }, x);
  t.row(
      "rms_norm", [](const auto& a, const auto& s) { return rms_norm(a, s); }, x, g);
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
  t.row(
      "squeeze, unsqueeze", [](const auto& a) { return squeeze<2>(unsqueeze<2>(a)); }, x);
  t.row(
      "stack", [](const auto& a, const auto& b) { return stack<1>(a, b); }, x, normal<map>(2, {2, 6, 7, 8}));
  t.row(
      "expand", [](const auto& a) { return expand<shape<3, 6, 7, 8>>(a); }, normal<shape<6, 1, 8>>(3, {6, 1, 8}));
  t.row(
      "flip", [](const auto& a) { return flip<1, 2>(a); }, x);
  t.row(
      "roll", [](const auto& a) { return roll<2>(a, -3); }, x);
  t.row(
      "pad with a number", [](const auto& a) { return pad<1, 1, 2>(a, 0.5); }, x);
  t.row(
      "pad, reflected", [](const auto& a) { return pad<2, 2, 1, pad_mode::reflect>(a); }, x);
  t.row(
      "pad, replicated", [](const auto& a) { return pad<2, 2, 1, pad_mode::replicate>(a); }, x);
}

void region_rows(table& t) {
  const auto x = normal<map>(1, {2, 6, 7, 8});
  const auto rois = tensor<double, shape<2, 5>>::from(std::vector<double>{0, 2, 1, 20, 17, 1, 0, 4, 27, 22});
  const auto on = []<operand A>(const A&, const auto& r) {  // boxes are of the maps' type, and in f32 beside maps in bf16
    using T = std::conditional_t<std::is_same_v<value_t<A>, double>, double, float>;
    return to<device_t<A>>(kernel_test::rounded<T>(r));
  };
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
  t.numbers("laplacian_edges", no_gradient, [&]<class T, class D>(T, D) {
    const auto e = to<cpu_device>(laplacian_edges(to<D>(held<T>(target))));
    return std::vector<double>(e.values().begin(), e.values().end());
  });
  t.row(
      "cross_entropy",
      [](const auto& a) {
        return loss::cross_entropy(a, {0, 1, 1, 0, 1});
      },
      normal<shape<dyn<"n">, 2>>(8, {5, 2}));
}

void class_loss_rows(table& t) {
  using scores = shape<dyn<"n">, dyn<"h">, dyn<"w">, 3>;
  using class_map = shape<dyn<"n">, dyn<"h">, dyn<"w">, 1>;
  const auto x = normal<scores>(9, {2, 5, 6, 3});
  auto classes = tensor<double, class_map>::empty({2, 5, 6, 1});
  for (extent_t i = 0; i < classes.size(); ++i) classes.data()[i] = static_cast<double>(i * 7 % 4 - 1);
  t.row(
      "cross_entropy over a class map", [&](const auto& a) { return loss::cross_entropy(a, beside(a, classes)); }, x);
  t.row(
      "multiclass_focal", [&](const auto& a) { return loss::multiclass_focal(a, beside(a, classes)); }, x);
  t.row(
      "multiclass_dice", [&](const auto& a) { return loss::multiclass_dice(sigmoid(a), beside(a, classes)); }, x);
  t.row(
      "generalised_dice", [&](const auto& a) { return loss::generalised_dice(sigmoid(a), beside(a, classes)); }, x);
  t.numbers("one_hot", no_gradient, [&]<class T, class D>(T, D) {
    const auto y = to<cpu_device>(loss::one_hot<3>(to<D>(held<T>(classes))));
    return std::vector<double>(y.values().begin(), y.values().end());
  });
}

}  // namespace

TEST_CASE("docs/devices.md says which ops and losses run where") {
  table t;
  pointwise_rows(t);
  product_rows(t);
  volume_rows(t);
  norm_rows(t);
  map_rows(t);
  region_rows(t);
  loss_rows(t);
  class_loss_rows(t);
  t.compare_section("Ops and losses", "Made by `test_cuda_devices`.");
}
