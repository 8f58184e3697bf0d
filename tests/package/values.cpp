// A consumer whose results must not depend on the flags that it is compiled with: it prints a line for each, a name and numbers. With POINTWISE
// defined it leaves out the layers, which take most of the time to compile.
#include <dcs/ops/nms/nms.hpp>
#include <dcs/ops/softmax/softmax.hpp>
#ifndef POINTWISE
#include <dcs/expr/gradcheck.hpp>
#include <dcs/ops/batch_norm/batch_norm.hpp>
#include <dcs/ops/conv2d/conv2d.hpp>
#include <dcs/ops/reduce/reduce.hpp>
#endif

#include <bit>
#include <cstdint>
#include <cstdio>
#include <vector>

using namespace dcs;

namespace {

template <class T>
void print(const char* name, const T* values, std::int64_t count) {
  std::printf("%s", name);
  for (std::int64_t i = 0; i < count; ++i) std::printf(" %.9g", static_cast<double>(values[i]));
  std::printf("\n");
}
template <class X>
void print(const char* name, const X& x) {
  print(name, x.data(), x.size());
}

// A convolution that Winograd's algorithm does, a norm over the batch, and what an attention's scores go through.
#ifndef POINTWISE
void layers() {
  using T = float;
  const extent_t side = 24;
  using images = tensor<T, shape<1, dyn<"height">, dyn<"width">, 16>>;
  const auto x = var<T, images::shape_type>::leaf(random_normal<T, images::shape_type>({1, side, side, 16}, {1, 1}));
  const auto w = var<T, shape<3, 3, 16, 32>>::leaf(random_normal<T, shape<3, 3, 16, 32>>({3, 3, 16, 32}, {1, 2}, 0.1));
  const auto gamma = var<T, shape<32>>::leaf(tensor<T, shape<32>>::full(1)), beta = var<T, shape<32>>::leaf(tensor<T, shape<32>>::full(0));
  auto mean = tensor<T, shape<32>>::full(0), variance = tensor<T, shape<32>>::full(1);
  const auto y = eval(batch_norm_training(conv2d<1, 1>(x, w), gamma, beta, mean, variance));
  const auto p = eval(softmax<3>(y * 3));
  backward(sum_all(square(p) * log(p + 1) + tanh(y) * sigmoid(y)));
  print("softmax of a norm of a convolution", p.value().data(), 100);
  print("gradient of the image", x.grad().data(), 100);
  print("gradient of the weight", w.grad().data(), 100);
  print("gradient of the norm's factor", gamma.grad());
  print("mean over batches", mean);
  print("variance over batches", variance);
}
#endif

// Infinities and NaN are recognised and propagated.
void not_finite() {
  volatile std::uint32_t bits[] = {0xff800000, 0x7fc00000};  // told to the compiler neither by a type nor by a constant
  const auto from_bits = [&](int i) { return std::bit_cast<float>(std::uint32_t{bits[i]}); };
  const float minus_infinity = from_bits(0), nan = from_bits(1);
  const auto x = tensor<float, shape<2, 4>>::from(std::vector<float>{1, minus_infinity, 2, minus_infinity, 0, nan, 1, -1});
  const auto p = eval(softmax<1>(x));
  const auto r = eval(relu(x)), e = eval(exp(x)), m = eval(maximum(x, 0.5f));
  print("softmax beside minus infinity", p.data(), 4);
  for (const auto* of : {&p, &r, &e, &m}) {
    std::printf("NaN at");
    for (std::int64_t i = 0; i < 8; ++i)
      if (is_nan(of->data()[i])) std::printf(" %d", static_cast<int>(i));
    std::printf("; not finite at");
    for (std::int64_t i = 0; i < 8; ++i)
      if (!is_finite(of->data()[i])) std::printf(" %d", static_cast<int>(i));
    std::printf("\n");
  }
  const float boxes[] = {0, 0, 1, 1, 2, 2, 3, 3}, scores[] = {1, nan};
  try {
    nms(boxes, scores, 2, 0.5);
    std::printf("nms took a score that is not a number\n");
  } catch (const error& refusal) {
    std::printf("%s\n", refusal.what());
  }
}

}  // namespace

int main() {
  const auto numbers = tensor<float, shape<8>>::from(std::vector<float>{6, -6, 1, 0.5f, 88, -87, 0, -0.1f});
  print("exp", eval(exp(numbers)));
  print("exp in double", eval(exp(tensor<double, shape<4>>::from(std::vector<double>{6, -6, 700, -700}))));
  print("sigmoid", eval(sigmoid(numbers)));
  print("tanh", eval(tanh(numbers)));
  print("softmax", eval(softmax<0>(numbers)));
#ifndef POINTWISE
  layers();
#endif
  not_finite();
}
