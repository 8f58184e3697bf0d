// The headers as host code of nvcc, every family of ops: the kernel that an equation's type selects, and gradients in double against central
// differences, which run each op's forward and backward.
#include <dcs/dcs.hpp>
#include <dcs/loss/classes.hpp>

#include <cstdio>

using namespace dcs;

namespace {

int failed = 0;

template <class... S, class F>
void check(const char* op, const F& f) {
  std::uint64_t seed = 0;
  const auto draw = [&]<class One>(One) { return random_normal<double, One>(One::extents, random_stream{7, ++seed}); };
  const std::tuple inputs{draw(S())...};
  const double error = std::apply([&](const auto&... x) { return gradcheck(f, random_stream{8, 0}, 40, x...); }, inputs);
  std::printf("%-22s %.1e\n", op, error);
  failed += !(error < 1e-6);
}

using map = shape<2, 6, 6, 4>;
using heads = shape<2, 2, 5, 8>;
const auto fuse = [](const auto& logits, const auto& a, const auto& b, const auto& c, const auto& d) {
  const auto w = softmax<channel>(logits);
  return eval(slice<channel, 0>(w) * a + slice<channel, 1>(w) * b + slice<channel, 2>(w) * c + slice<channel, 3>(w) * d);
};

}  // namespace

int main() {
  const auto image = tensor<float, shape<2, 8, 8, 3>>::full(1);
  const auto convolution = relu(conv2d<1, 1>(image, tensor<float, shape<3, 3, 3, 4>>::full(1)) + tensor<float, shape<4>>::full(2));
  static_assert(std::is_same_v<kernel_of<decltype(convolution)>, kernels::convolution_epilogue>);
  const float value = eval(convolution)(1, 4, 4, 3);
  std::printf("conv2d of ones: %g, expected 29\n", static_cast<double>(value));
  failed += value != 29;

  check<map, map, shape<4>>("pointwise", [](const auto& x, const auto& y, const auto& b) { return sigmoid(x * y) + exp(x * 0.5) * b; });
  check<map, shape<3, 3, 4, 5>, shape<5>>("conv2d", [](const auto& x, const auto& w, const auto& b) { return conv2d<2, 1>(x, w, b); });
  check<map, shape<3, 3, 4, 4>, shape<4>, map>(
      "conv2d, fused", [](const auto& x, const auto& w, const auto& b, const auto& r) { return relu(conv2d<1, 1>(x, w, b) + r); });
  check<map, shape<3, 3, 1, 4>>("conv2d, depthwise", [](const auto& x, const auto& w) { return conv2d<1, 1, 1, 4>(x, w); });
  check<map, shape<3, 3, 5, 4>, shape<5>>("conv_transpose2d",
                                          [](const auto& x, const auto& w, const auto& b) { return conv_transpose2d<2, 1, 1>(x, w, b); });
  check<shape<3, 4>, shape<4, 6>, shape<6>>("linear", [](const auto& x, const auto& w, const auto& b) { return linear(x, w, b); });
  check<shape<2, 3, 4>, shape<2, 4, 5>>("matmul", [](const auto& a, const auto& b) { return matmul(a, b); });
  check<heads, heads, heads>("attention",
                             [](const auto& q, const auto& k, const auto& v) { return eval(matmul(softmax<3>(matmul(q, transpose(k)) * 0.35), v)); });
  check<map, map, map, map, map>("weighted sum", fuse);
  check<map, shape<4>, shape<4>>("batch_norm", [](const auto& x, const auto& g, const auto& b) {
    return batch_norm_training(x, g, b, tensor<double, shape<4>>::zeros(), tensor<double, shape<4>>::full(1));
  });
  check<map, shape<4>, shape<4>>("layer_norm", [](const auto& x, const auto& g, const auto& b) { return layer_norm(x, g, b); });
  check<map>("softmax", [](const auto& x) { return softmax<2>(x); });
  check<shape<2, 9, 4>, shape<9, 4>>("embedding", [](const auto& x, const auto& e) { return x + e; });
  check<map>("pools", [](const auto& x) { return eval(max_pool2d<2>(x)) + eval(avg_pool2d<2>(x)) + global_avg_pool(x); });
  using volume = shape<2, 4, 4, 6, 2>;
  check<volume, shape<3, 3, 3, 2, 3>, shape<3>>("conv3d", [](const auto& x, const auto& w, const auto& b) { return conv3d<2, 1>(x, w, b); });
  check<volume, shape<2, 2, 2, 3, 2>, shape<3>>("conv_transpose3d",
                                                [](const auto& x, const auto& w, const auto& b) { return conv_transpose3d<2>(x, w, b); });
  check<shape<2, 9, 4>, shape<3, 4, 3>, shape<3>>("conv1d", [](const auto& x, const auto& w, const auto& b) { return conv1d<1, 1>(x, w, b); });
  check<shape<2, 9, 4>, shape<2, 3, 4>, shape<3>>("conv_transpose1d",
                                                  [](const auto& x, const auto& w, const auto& b) { return conv_transpose1d<2>(x, w, b); });
  check<volume>("pools of volumes", [](const auto& x) { return eval(max_pool3d<2>(x)) + eval(avg_pool3d<2>(x)) + global_avg_pool(x); });
  check<volume>("resize of volumes", [](const auto& x) { return resize_trilinear<corners::aligned, 5, 7, 3>(x); });
  check<shape<2, 9, 4>>("rows", [](const auto& x) { return resize_linear<corners::half_pixel, 7>(max_pool1d<3, 1, 1>(x)); });
  check<volume>("unfold", [](const auto& x) { return unfold<1, 3, 1, 1>(x); });
  check<map>("resize", [](const auto& x) { return resize_bilinear<corners::aligned, 9, 5>(x); });
  check<map>("resize, other kinds", [](const auto& x) {
    const auto y = resize_bilinear<corners::half_pixel, 9, 5>(x);
    return y + resize_nearest_like(x, y);
  });
  check<map, shape<6, 1, 4>>("stack, flip, roll", [](const auto& x, const auto& e) { return roll<2>(flip<1, 3>(stack<1>(x, expand<map>(e))), 2); });
  check<map>("pad", [](const auto& x) { return pad<1, 1, 2, pad_mode::reflect>(pad<2, 1, 1>(x, 0.5)); });
  check<map, shape<5, 4>>("einsum", [](const auto& x, const auto& w) { return einsum<"nhwc,mc->nmhw">(x, w); });
  check<map, map>("concat, permute", [](const auto& a, const auto& b) { return permute<0, 3, 1, 2>(concat<channel>(a, b)); });
  check<map>("reshape, transpose", [](const auto& x) { return transpose(reshape<shape<2, 36, 4>>(x)); });
  check<map>("sum", [](const auto& x) { return sum<1, 2>(x * x); });
  check<map>("dropout", [](const auto& x) { return dropout(x, 0.4, random_stream{3, 1}); });
  check<map>("channel dropout", [](const auto& x) { return channel_dropout(x, 0.4, random_stream{3, 1}); });
  auto target = tensor<double, shape<2, 6, 6, 1>>::zeros();
  for (extent_t i = 0; i < target.size(); i += 3) target.data()[i] = 1;
  check<shape<2, 6, 6, 1>>("losses", [&](const auto& x) { return loss::segmentation(x, target, {.smoothing = 1e-3}) + loss::edge(x, target); });
  check<shape<5, 3>>("cross-entropy", [](const auto& x) { return loss::cross_entropy(x, {0, 2, 1, 1, 0}); });
  const auto classes = tensor<double, shape<5, 1>>::from(std::vector<double>{0, 2, -1, 1, 0});
  check<shape<5, 3>>("losses over classes", [&](const auto& x) {
    return loss::cross_entropy(x, classes) + loss::multiclass_focal(x, classes) + loss::multiclass_dice(softmax<1>(x), classes) +
           loss::generalised_dice(softmax<1>(x), classes);
  });
  const auto rois = tensor<double, shape<dyn<"roi">, 5>>::from(std::array{0.0, 3.0, 2.0, 20.0, 17.0, 1.0, 0.0, 5.0, 9.0, 23.0}, {2, 5});
  check<map>("roi_align", [&](const auto& x) { return roi_align<3, 2>(x, rois, {0.25, 2, false}); });
  return failed;
}
