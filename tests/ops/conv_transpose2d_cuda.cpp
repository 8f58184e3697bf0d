// Transposed convolutions on a device against the host's: the kernels are conv2d's and have their tests in conv2d_cuda.cpp.
#include <dcs/ops/conv_transpose2d/conv_transpose2d.hpp>
#include <dcs/ops/conv_transpose2d/cuda.cuh>
#if defined(__CUDACC__)
#include <dcs/cuda/cublas.cuh>
#include <dcs/ops/conv2d/cudnn.cuh>
#endif

#include "../cuda/compare.hpp"

using namespace dcs;

namespace {

// A kind of transposed convolution at an input of h × w, with and without bias: f(op, inputs...).
template <int K, int Stride, int Padding, int OutputPadding, int Groups, int Dilation, int In, int Out, class F>
void at(extent_t n, extent_t h, extent_t w, const F& f) {
  using X = shape<dyn<"n">, windowed(dyn<"h">, 1, Stride, 0), windowed(dyn<"w">, 1, Stride, 0), In>;
  using W = shape<K, K, Out / Groups, In>;
  const auto op = [](const auto&... a) { return conv_transpose2d<Stride, Padding, OutputPadding, Groups, Dilation>(a...); };
  const auto x = random_normal<double, X>({n, h, w, In}, {1, 1});
  const auto weight = random_normal<double, W>(W::extents, {1, 2});
  f(op, x, weight);
  f(op, x, weight, random_normal<double, shape<Out>>({Out}, {1, 3}));
}

}  // namespace

TEST_CASE("a device's transposed convolutions are the host's, forward and backward, in every type") {
  const auto compare = [](const auto& op, const auto&... x) { kernel_test::compare(op, x...); };
  at<2, 2, 0, 0, 1, 1, 6, 8>(2, 4, 5, compare);
  at<3, 2, 1, 1, 1, 1, 8, 4>(1, 5, 4, compare);
  at<3, 1, 1, 0, 1, 1, 8, 8>(2, 6, 5, compare);
  at<1, 1, 0, 0, 1, 1, 6, 8>(2, 6, 5, compare);
  at<4, 2, 1, 0, 2, 1, 8, 12>(1, 5, 4, compare);
  at<3, 2, 1, 1, 8, 1, 8, 8>(2, 4, 5, compare);
  at<3, 2, 2, 1, 3, 2, 3, 3>(1, 6, 5, compare);
  at<3, 2, 2, 1, 1, 2, 6, 4>(1, 6, 5, compare);
  at<2, 2, 0, 0, 1, 1, 6, 8>(0, 4, 5, compare);
}

TEST_CASE("a device's transposed convolutions pass the gradient check in double") {
  const auto check = [](const auto& op, const auto&... x) { CHECK(kernel_test::gradcheck(op, x...) < 1e-6); };
  at<2, 2, 0, 0, 1, 1, 3, 4>(1, 3, 2, check);
  at<3, 2, 1, 1, 1, 1, 3, 4>(2, 3, 3, check);
  at<3, 2, 1, 1, 4, 1, 4, 4>(1, 3, 4, check);
  at<1, 1, 0, 0, 1, 1, 3, 5>(2, 2, 3, check);
}
