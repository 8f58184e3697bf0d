// Ops on windows of feature maps: resizing, pooling, depthwise convolution; and sums over their pixels.
#include "measure.cuh"

#include <dcs/cuda/cublas.cuh>
#include <dcs/ops/conv2d/cudnn.cuh>
#include <dcs/ops/conv_transpose2d/cuda.cuh>
#include <dcs/ops/pool/cuda.cuh>
#include <dcs/ops/pool/pool.hpp>
#include <dcs/ops/resize/cuda.cuh>

namespace gpu_bench {

namespace {

template <class T>
void resize(meter& m, const std::string& name, dcs::resampling how) {
  const dcs::resize_geometry g{16, 32, 32, 64, 64, 256, how};
  const buffer<T> x(g.batch * g.in_h * g.in_w * g.channels), y(g.batch * g.out_h * g.out_w * g.channels);
  const double bytes = static_cast<double>(x.bytes() + y.bytes());
  m.run<T>(name + "_forward", bytes, 0, [&] { dcs::cuda::resize_forward(device{}, g, x.data(), y.data()); });
  m.run<T>(name + "_backward", bytes, 0, [&] { dcs::cuda::resize_backward(device{}, g, y.data(), x.data()); });
}

// Max pooling keeps the position of each maximum for the backward pass.
template <class T>
void pools(meter& m) {
  {
    const auto g = dcs::detail::pool_geometry({4, 128, 128, 64}, 3, 2, 1);
    const buffer<T> x(g.in_pixels() * g.in_c), dx(x.size()), y(g.out_pixels() * g.in_c), winner(y.size());
    const double bytes = static_cast<double>(x.bytes() + 2 * y.bytes());
    m.run<T>("max_pool_forward", bytes, 0, [&] { dcs::cuda::max_pool_forward(device{}, g, x.data(), y.data(), winner.data()); });
    m.run<T>(
        "max_pool_backward", bytes, 0, [&] { dcs::cuda::max_pool_forward(device{}, g, x.data(), y.data(), winner.data()); },
        [&] { dcs::cuda::max_pool_backward(device{}, g, y.data(), winner.data(), dx.data()); });
  }
  const auto g = dcs::detail::pool_geometry({16, 64, 64, 256}, 2, 2, 0);
  const buffer<T> x(g.in_pixels() * g.in_c), y(g.out_pixels() * g.in_c);
  const double bytes = static_cast<double>(x.bytes() + y.bytes());
  m.run<T>("avg_pool_forward", bytes, 0, [&] { dcs::cuda::avg_pool_forward(device{}, g, x.data(), y.data()); });
  m.run<T>("avg_pool_backward", bytes, 0, [&] { dcs::cuda::avg_pool_backward(device{}, g, y.data(), x.data()); });
}

template <class T>
void sums(meter& m) {
  const auto x = numbers<T, dcs::shape<16, 64, 64, 256>>({16, 64, 64, 256});
  const double map = static_cast<double>(x.bytes());
  both_ways(
      m, "global_avg_pool", map, map, [](const auto& a) { return dcs::global_avg_pool(a); }, x);
  const buffer<T> out(256);
  m.run<T>("sum_rows", map, 0, [&] { dcs::cuda::sum_rows(device{}, x.data(), 16 * 64 * 64, 256, out.data()); });
}

template <class T>
void convolution(meter& m, const std::string& name, std::int64_t batch, std::int64_t side, std::int64_t kernel, std::int64_t groups) {
  const std::int64_t channels = 256;
  const dcs::cpu::conv2d_geometry g{batch, side, side, channels, side, side, channels, kernel, kernel, 1, kernel / 2, 1, groups};
  const buffer<T> x(g.in_pixels() * channels), y(g.out_pixels() * channels), dx(x.size()), w(g.weights()), dw(g.weights());
  const double map = static_cast<double>(x.bytes()), weights = static_cast<double>(w.bytes());
  const double products = groups == 1 ? 2 * static_cast<double>(g.multiply_adds()) : 0;  // a depthwise convolution has nothing for matrix units
  m.run<T>(name + "_forward", 2 * map + weights, products,
           [&] { dcs::cuda::conv2d_forward<T>(device{}, g, x.data(), w.data(), dcs::cpu::epilogue<T>{}, y.data()); });
  m.run<T>(name + "_backward", 3 * map + 2 * weights, 2 * products, [&] {
    dcs::cuda::conv2d_data_gradient<T>(device{}, g, y.data(), w.data(), dx.data());
    dcs::cuda::conv2d_weight_gradient<T>(device{}, g, x.data(), y.data(), dw.data());
  });
}

// An up-convolution of a UNet of width 64 at 256 × 256: it doubles height and width.
template <class T>
void up_convolution(meter& m) {
  const dcs::cpu::conv2d_geometry g{4, 128, 128, 128, 64, 64, 256, 2, 2, 2, 0, 1, 1};  // of the convolution back
  const buffer<T> x(g.out_pixels() * g.out_c), y(g.in_pixels() * g.in_c), dx(x.size()), w(g.weights()), dw(g.weights()), shift(g.in_c),
      dshift(g.in_c);
  const double maps = static_cast<double>(x.bytes() + y.bytes()), weights = static_cast<double>(w.bytes());
  const double products = 2 * static_cast<double>(g.multiply_adds());
  m.run<T>("conv_transpose2d_2x2_forward", maps + weights, products,
           [&] { dcs::cuda::conv_transpose2d_forward<T>(device{}, g, x.data(), w.data(), shift.data(), y.data()); });
  m.run<T>("conv_transpose2d_2x2_backward", 2 * maps + 2 * weights, 2 * products, [&] {
    dcs::cuda::conv2d_forward<T>(device{}, g, y.data(), w.data(), dcs::cpu::epilogue<T>{}, dx.data());
    dcs::cuda::conv2d_weight_gradient<T>(device{}, g, y.data(), x.data(), dw.data());
    dcs::cuda::sum_rows<T>(device{}, y.data(), g.in_pixels(), g.in_c, dshift.data());
  });
}

template <class T>
void cases(meter& m) {
  resize<T>(m, "resize_aligned", dcs::resampling::aligned);
  resize<T>(m, "resize_half_pixel", dcs::resampling::half_pixel);
  resize<T>(m, "resize_nearest", dcs::resampling::nearest);
  pools<T>(m);
  sums<T>(m);
  convolution<T>(m, "depthwise", 16, 64, 3, 256);
  convolution<T>(m, "conv2d_3x3", 4, 64, 3, 1);
  convolution<T>(m, "conv2d_1x1", 16, 64, 1, 1);
  up_convolution<T>(m);
}

}  // namespace

void window_cases(meter& m) { cases<float>(m), cases<dcs::bf16>(m); }

}  // namespace gpu_bench
