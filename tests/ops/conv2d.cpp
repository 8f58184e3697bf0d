#include <dcs/expr/gradcheck.hpp>
#include <dcs/ops/conv2d/conv2d.hpp>

#include "check_op.hpp"

#include <doctest/doctest.h>

using namespace dcs;
using test::for_each_isa;

namespace {

// f of 21 numbers of images and sides, on every instruction set.
template <class F>
void for_small_images(const F& f) {
  for_each_isa([&] {
    for (extent_t n : {0, 1, 2})
      for (extent_t side : {1, 2, 3, 4, 5, 7, 9}) {
        CAPTURE(n);
        CAPTURE(side);
        f(n, side);
      }
  });
}

template <int K, int Stride, int Padding, int Dilation, int Groups, int In, int Out>
void check_gradient(extent_t n, extent_t h, extent_t w) {
  using X = shape<dyn<"batch">, dyn<"height">, dyn<"width">, In>;
  using W = shape<K, K, In / Groups, Out>;
  const auto x = random_normal<double, X>({n, h, w, In}, {1, 1});
  const auto weight = random_normal<double, W>(W::extents, {1, 2});
  const auto bias = random_normal<double, shape<Out>>({Out}, {1, 3});
  CHECK(gradcheck([](const auto& a, const auto& b) { return conv2d<Stride, Padding, Dilation, Groups>(a, b); }, {5, 5}, 12, x, weight) < 1e-6);
  CHECK(gradcheck([](const auto& a, const auto& b, const auto& c) { return relu(conv2d<Stride, Padding, Dilation, Groups>(a, b, c)); }, {5, 6}, 12, x,
                  weight, bias) < 1e-6);
}

}  // namespace

TEST_CASE("conv2d passes the gradient check in double") {
  // Each kind in 21 shapes: plain, strided, depthwise, grouped, dilated (alone, depthwise and strided in groups), patches that do not overlap.
  for_small_images([](extent_t n, extent_t side) {
    check_gradient<1, 1, 0, 1, 1, 3, 4>(n, side, side + 1);
    check_gradient<3, 1, 1, 1, 1, 3, 4>(n, side, side + 1);
    check_gradient<3, 2, 1, 1, 1, 4, 2>(n, side, side + 1);
    check_gradient<3, 1, 1, 1, 4, 4, 4>(n, side, side);
    check_gradient<3, 1, 1, 1, 2, 4, 6>(n, side, side);
    check_gradient<3, 1, 2, 2, 1, 2, 3>(n, side, side);
    check_gradient<3, 1, 2, 2, 4, 4, 4>(n, side, side);
    check_gradient<3, 2, 2, 2, 2, 4, 6>(n, side, side);
    check_gradient<2, 2, 0, 1, 1, 1, 1>(n, side + 1, side + 1);
  });
  for_each_isa([] {
    check_gradient<1, 1, 0, 1, 1, 1, 1>(1, 1, 1);
    check_gradient<7, 2, 3, 1, 1, 3, 2>(1, 9, 8);
  });
}

namespace {

template <int K, int Stride, int Padding, int Groups, int In, int Out>
void check_epilogue_gradient(extent_t n, extent_t h, extent_t w) {
  using X = shape<dyn<"batch">, dyn<"height">, dyn<"width">, In>;
  using W = shape<K, K, In / Groups, Out>;
  using Y = shape<dyn<"batch">, windowed(dyn<"height">, K, Stride, Padding), windowed(dyn<"width">, K, Stride, Padding), Out>;
  const auto x = random_normal<double, X>({n, h, w, In}, {7, 1});
  const auto weight = random_normal<double, W>(W::extents, {7, 2});
  const auto scale = random_normal<double, shape<Out>>({Out}, {7, 3}), shift = random_normal<double, shape<Out>>({Out}, {7, 4});
  const auto residual = random_normal<double, Y>({n, windowed(h, K, Stride, Padding), windowed(w, K, Stride, Padding), Out}, {7, 5});
  // The scale fixed, so that all four are one kernel; then recorded with the others.
  CHECK(gradcheck([&](const auto& a, const auto& b, const auto& t,
                      const auto& r) { return relu(conv2d<Stride, Padding, 1, Groups>(a, b) * scale + t + r); },
                  {7, 6}, 8, x, weight, shift, residual) < 1e-6);
  CHECK(gradcheck([](const auto& a, const auto& b, const auto& s, const auto& t,
                     const auto& r) { return relu(conv2d<Stride, Padding, 1, Groups>(a, b) * s + t + r); },
                  {7, 7}, 8, x, weight, scale, shift, residual) < 1e-6);
}

}  // namespace

TEST_CASE("conv2d with scale, shift, residual and ReLU passes the gradient check in double") {
  for_small_images([](extent_t n, extent_t side) {
    check_epilogue_gradient<1, 1, 0, 1, 3, 4>(n, side, side + 1);
    check_epilogue_gradient<3, 1, 1, 1, 3, 5>(n, side, side + 1);
    check_epilogue_gradient<3, 2, 1, 1, 2, 3>(n, side, side + 1);
    check_epilogue_gradient<3, 1, 1, 4, 4, 4>(n, side, side);
  });
}

TEST_CASE("the extents of a convolution's result are part of its type") {
  using image = shape<dyn<"batch">, dyn<"height">, dyn<"width">, 3>;
  const auto x = tensor<float, image>::zeros({2, 9, 12, 3});
  const auto w = tensor<float, shape<7, 7, 3, 8>>::zeros();
  const auto y = eval(conv2d<2, 3>(x, w));
  static_assert(
      std::is_same_v<decltype(y), const tensor<float, shape<dyn<"batch">, windowed(dyn<"height">, 7, 2, 3), windowed(dyn<"width">, 7, 2, 3), 8>>>);
  CHECK(y.sizes() == sizes<4>{2, 5, 6, 8});
  const auto small = tensor<float, image>::zeros({2, 5, 12, 3});
  CHECK_THROWS_WITH_AS((conv2d<1, 0>(small, w)), doctest::Contains("dcs::conv2d: an image of 5"), error);
}

TEST_CASE("an image without rows or columns is an error, a batch without images is not") {
  using image = shape<dyn<"batch">, dyn<"height">, dyn<"width">, 3>;
  const auto w = tensor<float, shape<3, 3, 3, 8>>::zeros();
  CHECK_THROWS_WITH_AS((conv2d<1, 2>(tensor<float, image>::zeros({1, 0, 4, 3}), w)), doctest::Contains("dcs::conv2d: an image of 0 × 4"), error);
  CHECK_THROWS_AS((conv2d<1, 2>(tensor<float, image>::zeros({1, 4, 0, 3}), w)), error);
  CHECK(eval(conv2d<1, 1>(tensor<float, image>::zeros({0, 4, 5, 3}), w)).sizes() == sizes<4>{0, 4, 5, 8});
}

TEST_CASE("a convolution that has been evaluated by itself is not computed again") {
  using X = shape<2, 5, 6, 4>;
  const auto x = random_normal<double, X>(X::extents, {6, 1});
  const auto w = random_normal<double, shape<3, 3, 4, 8>>({3, 3, 4, 8}, {6, 2});
  const auto shift = random_normal<double, shape<8>>({8}, {6, 3});
  const auto node = conv2d<1, 1>(x, w);
  const auto bare = eval(node);
  CHECK(eval(node).data() == bare.data());
  const auto y = eval(relu(node + shift));  // of the same type as the fused one
  for (extent_t i = 0; i < y.size(); ++i) CHECK(y.data()[i] == std::max(bare.data()[i] + shift.data()[i % 8], 0.0));
  // Both uses send their gradient back.
  CHECK(gradcheck(
            [](const auto& a, const auto& b, const auto& c) {
              const auto n = conv2d<1, 1>(a, b);
              const auto own = eval(n);
              return relu(n + c) * own;
            },
            {6, 4}, 12, x, w, shift) < 1e-6);
}

TEST_CASE("scale, shift, residual and ReLU become one kernel, chosen by the type") {
  using X = shape<2, 5, 6, 16>;
  const auto x = random_normal<double, X>(X::extents, {2, 1});
  const auto w = random_normal<double, shape<3, 3, 16, 8>>({3, 3, 16, 8}, {2, 2});
  const auto scale = random_normal<double, shape<8>>({8}, {2, 3}), shift = random_normal<double, shape<8>>({8}, {2, 4});
  const auto residual = random_normal<double, shape<2, 5, 6, 8>>({2, 5, 6, 8}, {2, 5});
  const auto e = relu(conv2d<1, 1>(x, w) * scale + shift + residual);
  static_assert(std::is_same_v<kernel_of<decltype(e)>, kernels::convolution_epilogue>);

  auto vx = var<double, X>::leaf(x);
  const auto ev = relu(conv2d<1, 1>(vx, w) * scale + shift + residual);
  static_assert(std::is_same_v<kernel_of<decltype(ev)>, kernels::convolution_epilogue>);
  static_assert(std::is_same_v<kernel_of<decltype(conv2d<1, 1>(x, w))>, kernels::convolution>);

  host_allocator::get().reset_statistics();
  const auto y = eval(e);
  const auto fused_allocations = host_allocator::get().statistics().allocations;
  host_allocator::get().reset_statistics();
  const auto bare = eval(conv2d<1, 1>(x, w));
  CHECK(host_allocator::get().statistics().allocations == fused_allocations);  // the epilogue makes no tensor of its own
  const auto wanted = eval(relu(bare * scale + shift + residual));
  for (extent_t i = 0; i < y.size(); ++i) CHECK(y.data()[i] == doctest::Approx(wanted.data()[i]));

  // A recorded scale needs the convolution's own result: the same type, evaluated unfused.
  CHECK(gradcheck([&](const auto& a, const auto& b, const auto& s, const auto& t, const auto& r) { return relu(conv2d<1, 1>(a, b) * s + t + r); },
                  {3, 3}, 10, x, w, scale, shift, residual) < 1e-6);
  CHECK(gradcheck([&](const auto& a, const auto& b, const auto& t, const auto& r) { return relu(conv2d<1, 1>(a, b) * scale + t + r); }, {3, 4}, 10, x,
                  w, shift, residual) < 1e-6);
}
