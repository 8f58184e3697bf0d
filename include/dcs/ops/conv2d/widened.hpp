// Small convolutions in f32 with sums in f64. Where a map has few pixels, batch norm divides by the deviation of few values and so magnifies their
// rounding errors, which may change the sign at a following ReLU and with it every gradient before. A long sum in f32 is wrong by 2e-7 to 7e-7 of its
// size, Winograd's by twice that; in f64 what remains is the rounding of the result, 3e-8. It takes twice the direct algorithm's time, which is
// affordable for small problems. Gradients depend smoothly on the values that they sum, and stay in f32.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/ops/conv2d/direct.hpp>

#include <type_traits>

DCS_EXACT_MATH
namespace dcs::cpu {

/// Whether a forward convolution sums in f64: f32, at most 2²⁵ multiply-adds.
template <class T>
bool widening_suits(const conv2d_geometry& g) {
  return std::is_same_v<T, float> && g.multiply_adds() <= std::int64_t{1} << 25;
}

/// y = act(product · scale + shift + residual), rounded once at the end: product(x, w, y) computes in f64, from `inputs` values of x and `weights` of
/// w, its `pixels` results of `channels`.
template <class T, class Product>
void summed_in_double(const T* x, std::int64_t inputs, const T* w, std::int64_t weights, std::int64_t pixels, std::int64_t channels,
                      const epilogue<T>& e, T* y, const Product& product) {
  constexpr std::int64_t grain = 1 << 13;
  const scratch<double> wide(inputs + weights + pixels * channels);
  double *xd = wide.data(), *wd = xd + inputs, *yd = wd + weights;
  const auto widen = [](const T* from, std::int64_t count, double* to) {
    parallel_chunks(count, grain, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) to[i] = static_cast<double>(from[i]);
    });
  };
  widen(x, inputs, xd);
  widen(w, weights, wd);
  product(static_cast<const double*>(xd), static_cast<const double*>(wd), yd);
  parallel_chunks(pixels, std::max<std::int64_t>(1, grain / channels), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t p = begin; p < end; ++p)
      for (std::int64_t c = 0; c < channels; ++c) {
        double v = yd[p * channels + c];
        if (e.scale) v *= static_cast<double>(e.scale[c]);
        if (e.shift) v += static_cast<double>(e.shift[c]);
        if (e.residual) v += static_cast<double>(e.residual[p * e.residual_stride + c]);
        y[p * channels + c] = static_cast<T>(e.relu && v < 0 ? 0.0 : v);
      }
  });
}

/// y = act(conv(x, w) · scale + shift + residual), rounded once at the end.
template <class T>
void widened_forward(const conv2d_geometry& g, const T* x, const T* w, const epilogue<T>& e, T* y) {
  summed_in_double(x, g.in_pixels() * g.in_c, w, g.weights(), g.out_pixels(), g.out_c, e, y, [&](const double* xd, const double* wd, double* yd) {
    if (g.depthwise() && g.taps() <= 128)
      DCS_DISPATCH(depthwise_forward, g, xd, wd, epilogue<double>{}, yd);
    else
      DCS_DISPATCH(direct_forward, g, xd, wd, epilogue<double>{}, yd);
  });
}

}  // namespace dcs::cpu

#include <dcs/core/header_end.inl>
