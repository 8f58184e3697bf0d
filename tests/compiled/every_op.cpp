// Every op of the host, forward and backward, in f32, f64 and bf16, the computations of a detector on boxes, and training steps: a checksum of the
// bits for each. The program is built with the headers alone and with dcs::compiled, and run.sh compares the outputs. New ops must be added here too.
#include <dcs/detect/box_head.hpp>
#include <dcs/detect/region_masks.hpp>
#include <dcs/expr/gradcheck.hpp>
#include <dcs/io/image.hpp>
#include <dcs/loss/classes.hpp>
#include <dcs/loss/detection.hpp>
#include <dcs/loss/segmentation.hpp>
#include <dcs/metrics/metrics.hpp>
#include <dcs/nn/layers_1d_3d.hpp>
#include <dcs/ops/attention/attention.hpp>
#include <dcs/ops/cast/cast.hpp>
#include <dcs/ops/conv_transpose2d/conv_transpose2d.hpp>
#include <dcs/ops/einsum/einsum.hpp>
#include <dcs/ops/embedding/embedding.hpp>
#include <dcs/ops/gather/gather.hpp>
#include <dcs/ops/group_norm/group_norm.hpp>
#include <dcs/ops/matmul/matmul.hpp>
#include <dcs/ops/nms/nms.hpp>
#include <dcs/ops/pad/pad.hpp>
#include <dcs/ops/pool/pool.hpp>
#include <dcs/ops/rearrange/rearrange.hpp>
#include <dcs/ops/resize/resize.hpp>
#include <dcs/ops/roi_align/roi_align.hpp>
#include <dcs/ops/softmax/softmax.hpp>
#include <dcs/ops/unfold/unfold.hpp>
#include <dcs/ops/weighted_sum/weighted_sum.hpp>
#include <dcs/optim/adamw.hpp>
#include <dcs/optim/ema.hpp>
#include <dcs/optim/sgd.hpp>

#include <cstdio>

#include <unistd.h>

namespace {

using namespace dcs;

// FNV-1a of the bytes.
void print(const char* what, const void* data, std::size_t bytes) {
  std::uint64_t hash = 14695981039346656037u;
  for (std::size_t i = 0; i < bytes; ++i) hash = (hash ^ static_cast<const unsigned char*>(data)[i]) * 1099511628211u;
  std::printf("%s %zu bytes %016llx\n", what, bytes, static_cast<unsigned long long>(hash));
}
template <class T>
void print(const char* what, const std::vector<T>& values) {
  print(what, values.data(), values.size() * sizeof(T));
}
template <class T, class S>
void print(const char* what, const tensor<T, S>& t) {
  print(what, t.data(), static_cast<std::size_t>(t.size()) * sizeof(T));
}

// f of random inputs of shapes S, once as tensors, and once as vars with the gradient of a random projection.
template <class T, class... S, class F>
void check(const char* what, const F& f) {
  std::uint64_t draw = 0;
  const std::tuple x{random_normal<T, S>(S::extents, {7, ++draw})...};
  std::apply([&](const auto&... t) { print(what, eval(f(t...))); }, x);
  const auto leaves = std::apply([](const auto&... t) { return std::tuple(var<T, S>::leaf(t)...); }, x);
  std::apply(
      [&](const auto&... v) {
        const auto y = eval(f(v...));
        using out = std::remove_cvref_t<decltype(y.value())>;
        print(what, y.value());
        backward(y, random_normal<typename out::value_type, typename out::shape_type>(y.sizes(), {7, 99}));
        (print("  gradient", v.has_grad() ? v.grad() : typename std::remove_cvref_t<decltype(v)>::tensor_type()), ...);
      },
      leaves);
}

template <class T>
void convolutions() {
  using image = shape<2, 20, 18, 16>;
  check<T, shape<8, 64, 64, 16>, shape<3, 3, 16, 16>>("conv2d 3x3 large", [](const auto& x, const auto& w) { return conv2d<1, 1>(x, w); });
  check<T, image, shape<1, 1, 16, 24>>("conv2d 1x1", [](const auto& x, const auto& w) { return conv2d(x, w); });
  check<T, image, shape<5, 5, 16, 8>>("conv2d stride 2", [](const auto& x, const auto& w) { return conv2d<2, 2>(x, w); });
  check<T, image, shape<2, 2, 8, 16>, shape<8>>("conv_transpose2d",
                                                [](const auto& x, const auto& w, const auto& b) { return conv_transpose2d<2>(x, w, b); });
  check<T, shape<2, 5, 6, 7, 8>, shape<3, 3, 3, 8, 12>, shape<12>>("conv3d",
                                                                   [](const auto& x, const auto& w, const auto& b) { return conv3d<1, 1>(x, w, b); });
  check<T, shape<2, 5, 6, 7, 8>, shape<2, 2, 2, 6, 8>, shape<6>>(
      "conv_transpose3d", [](const auto& x, const auto& w, const auto& b) { return conv_transpose3d<2>(x, w, b); });
  check<T, shape<2, 19, 8>, shape<3, 8, 12>>("conv1d", [](const auto& x, const auto& w) { return conv1d<2, 1>(x, w); });
  check<T, image, shape<3, 3, 1, 16>>("conv2d depthwise", [](const auto& x, const auto& w) { return conv2d<1, 1, 1, 16>(x, w); });
}

template <class T>
void rows() {
  using matrix = shape<9, 33>;
  check<T, matrix, shape<33, 21>, shape<21>>("linear", [](const auto& x, const auto& w, const auto& b) { return linear(x, w, b); });
  check<T, shape<2, 9, 33>, shape<2, 33, 5>>("matmul", [](const auto& a, const auto& b) { return matmul(a, b); });
  check<T, shape<2, 9, 33>, shape<5, 33>>("einsum", [](const auto& a, const auto& b) { return einsum<"nlc,mc->nml">(a, b); });
  check<T, matrix>("softmax", [](const auto& x) { return softmax<1>(x); });
  check<T, shape<3, 4, 33>>("softmax of columns", [](const auto& x) { return softmax<1>(x); });
  check<T, matrix, shape<33>, shape<33>>("layer_norm", [](const auto& x, const auto& g, const auto& b) { return layer_norm(x, g, b); });
  check<T, matrix>("dropout", [](const auto& x) { return dropout(x, 0.3, {5, 6}); });
  check<T, shape<2, 3, 3, 17>>("channel_dropout", [](const auto& x) { return channel_dropout(x, 0.3, {5, 6}); });
  using tokens = shape<2, 2, 37, 16>;
  check<T, tokens, tokens, tokens>("attention", [](const auto& q, const auto& k, const auto& v) { return attention(q, k, v, 0.25, 0.2, {5, 6}); });
  check<T, matrix, matrix>("pointwise", [](const auto& a, const auto& b) { return sigmoid(a * b) / (exp(a) + 1.5) - tanh(abs(b) + 2); });
  check<T, matrix>("cast", [](const auto& a) { return cast<std::conditional_t<std::is_same_v<T, float>, double, float>>(a); });
}

// Expressions, and ops with some around them: the archive has their kernels in f32 and f64, while a unit compiles those that it writes in bf16
// (expr/common.hpp).
template <class T>
void expressions() {
  using image = shape<2, 20, 18, 16>;
  using matrix = shape<9, 33>;
  const auto residual = random_normal<T, shape<2, 20, 18, 24>>(shape<2, 20, 18, 24>::extents, {8, 1});
  check<T, image, shape<3, 3, 16, 24>, shape<24>>(
      "conv2d 3x3 with an epilogue", [&](const auto& x, const auto& w, const auto& b) { return relu(conv2d<1, 1>(x, w) + b + residual); });
  check<T, image, shape<1, 1, 16, 24>, shape<24>>("conv2d 1x1 with a scale",
                                                  [](const auto& x, const auto& w, const auto& s) { return conv2d(x, w) * s; });
  check<T, shape<2, 4, 4, 33>, shape<33>, shape<33>, shape<33>>("batch_norm", [](const auto& x, const auto& g, const auto& b, const auto& mean) {
    if constexpr (any_var_v<decltype(x)>)
      return relu(batch_norm_training(x, g, b, value(mean), tensor<T, shape<33>>::full(1)) + x);
    else
      return batch_norm_inference(x, g, b, mean, tensor<T, shape<33>>::full(2));
  });
  check<T, matrix, shape<33>>("sums", [](const auto& a, const auto& b) { return mean<0>(a * b + a) + sum_all(maximum(a, b)); });
  check<T, matrix, shape<5>>("einsum without a sum", [](const auto& a, const auto& b) { return einsum<"lc,m->lmc">(a, b); });
  check<T, matrix>("erf", [](const auto& x) { return erf(x); });
  check<T, matrix>("gelu", [](const auto& x) { return gelu(x); });
  check<T, matrix>("gelu_tanh", [](const auto& x) { return gelu_tanh(x); });
  check<T, matrix>("silu", [](const auto& x) { return silu(x); });
  check<T, matrix>("hard_sigmoid", [](const auto& x) { return hard_sigmoid(x); });
  check<T, matrix>("hard_swish", [](const auto& x) { return hard_swish(x); });
  check<T, matrix>("softplus", [](const auto& x) { return softplus(x); });
  check<T, matrix>("mish", [](const auto& x) { return mish(x); });
  check<T, matrix, shape<33>>("prelu", [](const auto& x, const auto& slope) { return prelu(x, slope); });
  check<T, matrix>("leaky_relu", [](const auto& x) { return leaky_relu(x, 0.1); });
  check<T, matrix>("elu", [](const auto& x) { return elu(x, 0.7); });
  check<T, matrix>("clip", [](const auto& x) { return clip(x, -0.5, 1); });
  check<T, matrix>("pow", [](const auto& x) { return pow(x, 3); });
  check<T, shape<2, 4, 5, 12>, shape<12>, shape<12>>("group_norm",
                                                     [](const auto& x, const auto& g, const auto& b) { return group_norm<3>(x, g, b); });
}

template <class T>
void maps() {
  using map = shape<2, 12, 10, 9>;
  check<T, map>("max_pool2d", [](const auto& x) { return max_pool2d<3, 2, 1>(x); });
  check<T, map>("avg_pool2d", [](const auto& x) { return avg_pool2d<2>(x); });
  check<T, map>("resize_bilinear", [](const auto& x) { return resize_bilinear<corners::half_pixel, 17, 23>(x); });
  check<T, map, shape<2, 24, 20, 1>>("resize_nearest", [](const auto& x, const auto& y) { return resize_nearest_like(x, value(y)); });
  check<T, map>("resize by a factor", [](const auto& x) { return resize_bilinear_by<corners::aligned, 2>(resize_nearest_by<3>(x)); });
  using volume = shape<2, 6, 5, 4, 9>;
  check<T, volume>("unfold", [](const auto& x) { return unfold<1, 3, 1, 1>(x); });
  check<T, volume>("max_pool3d", [](const auto& x) { return max_pool3d<3, 2, 1>(x); });
  check<T, volume>("avg_pool3d", [](const auto& x) { return avg_pool3d<2>(x); });
  check<T, volume>("resize_trilinear", [](const auto& x) { return resize_trilinear<corners::aligned, 9, 3, 7>(x); });
  check<T, volume>("resize of volumes by a factor",
                   [](const auto& x) { return resize_trilinear_by<corners::half_pixel, 2>(resize_nearest_by<2>(x)); });
  check<T, map>("permute", [](const auto& x) { return permute<0, 3, 1, 2>(x); });
  check<T, map, map>("concat and slice", [](const auto& a, const auto& b) { return concat<3>(slice<3, 2, 4>(a), b); });
  check<T, map, map>("stack, squeeze and unsqueeze", [](const auto& a, const auto& b) { return squeeze<0>(unsqueeze<0>(stack<1>(a, b))); });
  check<T, shape<12, 1, 9>>("expand", [](const auto& x) { return expand<map>(x); });
  check<T, map>("flip and roll", [](const auto& x) { return roll<2>(flip<1, 3>(x), -3); });
  check<T, map>("pad", [](const auto& x) { return pad<1, 1, 2, pad_mode::reflect>(pad<2, 1, 1>(x, 0.5)); });
  check<T, shape<2, 4, 4, 3>, shape<2, 4, 4, 9>, shape<2, 4, 4, 9>, shape<2, 4, 4, 9>>(
      "weighted_sum", [](const auto& l, const auto& a, const auto& b, const auto& c) { return weighted_sum(l, a, b, c); });
  using coordinate = std::conditional_t<cpu::half_number<T>, float, T>;
  const auto rois = tensor<coordinate, shape<2, 5>>::from(std::vector<coordinate>{0, 1, 1, 8, 7, 1, 0, 2, 5, 9});
  check<T, map>("roi_align", [&](const auto& x) { return roi_align<4>(x, rois, roi_options{}); });
  const std::vector<level_row> taken{{0, 3}, {0, 20}, {0, 3}};
  check<T, map>("gather_rows", [&](const auto& x) { return gather_rows<9>(taken, x); });
  const auto ids = tensor<std::int64_t, shape<2, 2>>::from(std::vector<std::int64_t>{3, 0, 3, 6});
  check<T, shape<7, 5>>("embedding", [&](const auto& w) { return embedding(ids, w); });
  print("laplacian_edges", laplacian_edges(tensor<T, shape<1, 4, 4, 1>>::full(T(1.0f))));
}

template <class T>
void boxes() {
  std::vector<box<T>> all, truth;
  std::vector<T> flat, scores;
  const random_stream random{11, 3};
  for (std::uint64_t i = 0; i < 60; ++i) {
    const T x = static_cast<T>(random.below(4 * i, 40)), y = static_cast<T>(random.below(4 * i + 1, 40));
    all.push_back({x, y, x + 4 + static_cast<T>(random.below(4 * i + 2, 20)), y + 4 + static_cast<T>(random.below(4 * i + 3, 20))});
    flat.insert(flat.end(), {all.back().x1, all.back().y1, all.back().x2, all.back().y2});
    scores.push_back(static_cast<T>(random.uniform(1000 + i)));
    if (i % 20 == 0) truth.push_back(all.back());
  }
  print("nms", nms(flat.data(), scores.data(), 60, 0.4));
  print("match", match(truth, all, 0.5, 0.3, true));
  print("sample_boxes", sample_boxes<T>({}, {all}, {truth}, random).deltas);
  std::vector<T> image(400, T(0));
  paste(scores.data(), 4, box<T>{3, 2, 17, 15}, image.data(), 20, 20);
  print("paste", image);
}

struct network {
  nn::conv2d<3, 16, 3, 2> stem;
  nn::batch_norm<16> norm;
  nn::conv2d<16, 16, 3> conv;
  nn::conv2d<16, 1, 1> head;
  DCS_MEMBERS(stem, norm, conv, head)
  template <operand X>
  auto operator()(const X& x_) const {
    const auto x = eval(relu(norm(stem(x_))));
    return eval(head(eval(relu(conv(x) + x))));
  }
};

template <class Optimizer>
void training(const char* what) {
  std::puts(what);
  network net;
  initialize(net, 5);
  Optimizer optimizer(named_parameters(net));
  ema average(named_parameters(net), 0.9);
  const auto x = random_normal<float, shape<2, 32, 32, 3>>(shape<2, 32, 32, 3>::extents, {3, 1});
  const auto target = eval(apply<above_half>(random_normal<float, shape<2, 16, 16, 1>>(shape<2, 16, 16, 1>::extents, {3, 2})));
  for (int step = 0; step < 3; ++step) {
    const auto y = net(var(x));
    const auto loss = eval(loss::segmentation(y, target) + loss::edge(y, target));
    backward(loss);
    print("loss", loss.value());
    const double norm = optimizer.step();
    print("gradient norm", &norm, sizeof norm);
    optimizer.clear_gradients();
    average.update();
  }
  const auto print_parameters = [&] {
    for (auto& p : named_parameters(net))
      print(p.name.c_str(), p.parameter->data<float>(), static_cast<std::size_t>(p.parameter->size()) * sizeof(float));
  };
  print_parameters();
  const averaged_weights averaged(average);
  print_parameters();
}

void cross_entropy() {
  const auto scores = var<float, shape<4, 2>>::leaf(random_normal<float, shape<4, 2>>(shape<4, 2>::extents, {3, 3}));
  backward(loss::cross_entropy(scores, {0, 1, 1, 0}));
  print("cross_entropy", scores.grad());
}

template <class T>
void losses_over_classes() {
  using S = shape<2, 5, 5, 3>;
  auto classes = tensor<T, shape<2, 5, 5, 1>>::zeros();
  for (extent_t i = 0; i < classes.size(); ++i) classes.data()[i] = static_cast<T>(i % 4 - 1);
  check<T, S>("losses over classes", [&](const auto& x) {
    const auto p = softmax<channel>(x);
    return loss::cross_entropy(x, classes) + loss::multiclass_focal(x, classes) + loss::multiclass_dice(p, classes) +
           loss::generalised_dice(p, classes);
  });
}

// Two overlapping discs, measured, and written and read as a mask, as an image and as labels.
void masks_and_readers() {
  mask a{24, 24, {}}, b = a;
  for (int p = 0; p < 24 * 24; ++p) {
    const double y = p / 24, x = p % 24;
    a.pixels.push_back(std::hypot(y - 10, x - 9) < 6), b.pixels.push_back(std::hypot(y - 12, x - 13) < 5);
  }
  const auto m = measure(a, b);
  const double values[] = {m.dice, m.iou, m.precision, m.recall, m.hd95, m.assd, m.surface_dice, hausdorff_95(b, a)};
  print("metrics", values, sizeof values);
  const std::string path = "every_op." + std::to_string(::getpid()) + ".png";
  io::write_mask(path, a);
  const auto pixels = io::read_image(path).pixels, truth = io::read_mask(path).pixels;
  const auto labels = io::read_labels(path).pixels;
  std::remove(path.c_str());
  print("read_image", pixels.data(), pixels.size());
  print("read_mask", truth.data(), truth.size());
  print("read_labels", labels.data(), labels.size() * sizeof(labels[0]));
}

template <class T>
void every_op() {
  convolutions<T>();
  rows<T>();
  maps<T>();
  if constexpr (!cpu::half_number<T>) expressions<T>(), boxes<T>();
}

// Where maps are bf16, running statistics are f32. In inference the norm is an expression.
void batch_norm_in_bf16() {
  using map = shape<2, 4, 4, 33>;
  const auto x = var<bf16, map>::leaf(random_normal<bf16, map>(map::extents, {7, 1}));
  const auto gamma = var<bf16, shape<33>>::leaf(tensor<bf16, shape<33>>::full(bf16(2.0f))), beta = var<bf16, shape<33>>::leaf(gamma.value());
  const auto mean = tensor<float, shape<33>>::full(1), variance = tensor<float, shape<33>>::full(2);
  const auto y = eval(batch_norm_training(x, gamma, beta, mean, variance));
  backward(y, random_normal<bf16, map>(map::extents, {7, 2}));
  print("batch_norm", y.value()), print("  mean", mean), print("  variance", variance);
  print("  gradient", x.grad()), print("  gradient", gamma.grad()), print("  gradient", beta.grad());
}

}  // namespace

int main() {
  every_op<float>();
  every_op<double>();
  every_op<bf16>();
  batch_norm_in_bf16();
  training<adamw>("adamw");
  training<sgd>("sgd");
  cross_entropy();
  losses_over_classes<float>();
  losses_over_classes<double>();
  masks_and_readers();
}
