// Pooling on the host. The gradient of the maximum is computed for each pixel of the input, that of the average by one thread per image, so that no
// two threads write one element.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/storage.hpp>
#include <dcs/cpu/half.hpp>
#include <dcs/cpu/parallel.hpp>
#include <dcs/cpu/simd.hpp>
#include <dcs/ops/conv2d/geometry.hpp>

#include <algorithm>

DCS_EXACT_MATH
#define DCS_KERNELS <dcs/ops/pool/windows.inl>
#include <dcs/cpu/foreach_isa.inl>

namespace dcs::cpu {

/// y: the maximum of each window inside the image; winner: the index of the tap that it came from, the first of equals.
template <class T>
void max_pool_forward(device, const conv2d_geometry& g, const T* x, T* y, T* winner) {
  const std::int64_t in_image = g.in_h * g.in_w * g.in_c, out_row = g.out_w * g.in_c;
  parallel_for(g.batch * g.out_h, [&](std::int64_t row) {
    DCS_DISPATCH(max_pool_row, g, x + row / g.out_h * in_image, row % g.out_h, y + row * out_row, winner + row * out_row);
  });
}
template <class T>
void max_pool_backward(device, const conv2d_geometry& g, const T* dy, const T* winner, T* dx) {
  const std::int64_t out_image = g.out_h * g.out_w * g.in_c;
  parallel_for(g.batch * g.in_h, [&](std::int64_t row) {
    const std::int64_t n = row / g.in_h;
    DCS_DISPATCH(max_pool_gradient_row, g, dy + n * out_image, winner + n * out_image, row % g.in_h, dx + row * g.in_w * g.in_c);
  });
}

namespace detail {
// Calls f(index of the pixel in the image) for the input pixels in the window of output row `oh`, column `ow`; returns their number.
template <class F>
std::int64_t for_window(const conv2d_geometry& g, std::int64_t oh, std::int64_t ow, const F& f) {
  std::int64_t n = 0;
  for (std::int64_t t = 0; t < g.taps(); ++t) {
    const std::int64_t h = oh * g.stride - g.padding + t / g.k_w, w = ow * g.stride - g.padding + t % g.k_w;
    if (h < 0 || w < 0 || h >= g.in_h || w >= g.in_w) continue;
    f(h * g.in_w + w);
    ++n;
  }
  return n;
}
}  // namespace detail

/// y: the average of each window's pixels inside the image.
template <class T>
void avg_pool_forward(device, const conv2d_geometry& g, const T* x, T* y) {
  const std::int64_t in_image = g.in_h * g.in_w * g.in_c;
  parallel_for(g.batch * g.out_h * g.out_w, [&](std::int64_t p) {
    T* to = y + p * g.in_c;
    std::fill(to, to + g.in_c, T(0));
    const T* image = x + p / (g.out_h * g.out_w) * in_image;
    const std::int64_t n = detail::for_window(g, p / g.out_w % g.out_h, p % g.out_w, [&](std::int64_t pixel) {
      for (std::int64_t c = 0; c < g.in_c; ++c) to[c] += image[pixel * g.in_c + c];
    });
    for (std::int64_t c = 0; c < g.in_c; ++c) to[c] /= static_cast<T>(n);
  });
}
template <class T>
void avg_pool_backward(device, const conv2d_geometry& g, const T* dy, T* dx) {
  const std::int64_t in_image = g.in_h * g.in_w * g.in_c;
  parallel_for(g.batch, [&](std::int64_t n) {
    std::fill(dx + n * in_image, dx + (n + 1) * in_image, T(0));
    for (std::int64_t p = 0; p < g.out_h * g.out_w; ++p) {
      const T* from = dy + (n * g.out_h * g.out_w + p) * g.in_c;
      const std::int64_t taps = detail::for_window(g, p / g.out_w, p % g.out_w, [](std::int64_t) {});
      detail::for_window(g, p / g.out_w, p % g.out_w, [&](std::int64_t pixel) {
        T* to = dx + n * in_image + pixel * g.in_c;
        for (std::int64_t c = 0; c < g.in_c; ++c) to[c] += from[c] / static_cast<T>(taps);
      });
    }
  });
}

// Maps in 16 bits, by the kernels of float (cpu/half.hpp).
template <half_number T>
void max_pool_forward(device, const conv2d_geometry& g, const T* x, T* y, T* winner) {
  const std::int64_t results = g.out_pixels() * g.in_c;
  in_float([&](const float* xf, float* yf, float* wf) { max_pool_forward<float>(device{}, g, xf, yf, wf); }, reads<T>{x, g.in_pixels() * g.in_c},
           writes<T>{y, results}, writes<T>{winner, results});
}
template <half_number T>
void max_pool_backward(device, const conv2d_geometry& g, const T* dy, const T* winner, T* dx) {
  const std::int64_t results = g.out_pixels() * g.in_c;
  in_float([&](const float* dyf, const float* wf, float* dxf) { max_pool_backward<float>(device{}, g, dyf, wf, dxf); }, reads<T>{dy, results},
           reads<T>{winner, results}, writes<T>{dx, g.in_pixels() * g.in_c});
}
template <half_number T>
void avg_pool_forward(device, const conv2d_geometry& g, const T* x, T* y) {
  in_float([&](const float* xf, float* yf) { avg_pool_forward<float>(device{}, g, xf, yf); }, reads<T>{x, g.in_pixels() * g.in_c},
           writes<T>{y, g.out_pixels() * g.in_c});
}
template <half_number T>
void avg_pool_backward(device, const conv2d_geometry& g, const T* dy, T* dx) {
  in_float([&](const float* dyf, float* dxf) { avg_pool_backward<float>(device{}, g, dyf, dxf); }, reads<T>{dy, g.out_pixels() * g.in_c},
           writes<T>{dx, g.in_pixels() * g.in_c});
}

// The entry points that dcs::compiled contains (core/compiled.hpp).
#define DCS_POOL_ENTRIES(declare, T)                                                      \
  declare void max_pool_forward(device, const conv2d_geometry&, const T*, T*, T*);        \
  declare void max_pool_backward(device, const conv2d_geometry&, const T*, const T*, T*); \
  declare void avg_pool_forward(device, const conv2d_geometry&, const T*, T*);            \
  declare void avg_pool_backward(device, const conv2d_geometry&, const T*, T*);
DCS_MAP_ENTRIES(DCS_POOL_ENTRIES)

}  // namespace dcs::cpu

#include <dcs/core/header_end.inl>
