// Convolution on the host. A convolution is a matrix product whose left side is gathered while it is packed (patches.inl); 1×1 convolutions are the
// product itself; depthwise ones run over channels (depthwise.inl); 3×3 ones in f32 go to Winograd's algorithm where it does less work than
// it costs (winograd.hpp); small ones in f32 sum in f64 (widened.hpp). The choice depends on the shape and the type alone. In bf16 the matrix product
// is one of bf16 with sums in f32; depthwise convolutions and Winograd's algorithm run in f32 on widened copies.
//
// A device provides these entry points for convolutions: conv2d_forward(D{}, geometry, x, w, epilogue, y), conv2d_data_gradient and
// conv2d_weight_gradient; relu_gradient, sum_rows and scaled_weights for the gradient of the epilogue; and gemm(D{}, …), the matrix product. The
// host's are in this file and in cpu/gemm.hpp, those of a GPU in cuda.cuh and cuda/gemm.cuh.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/cpu/half.hpp>
#include <dcs/expr/chain.hpp>
#include <dcs/ops/conv2d/direct.hpp>
#include <dcs/ops/conv2d/widened.hpp>
#include <dcs/ops/conv2d/winograd.hpp>

DCS_EXACT_MATH
#define DCS_KERNELS <dcs/ops/conv2d/relu_gradient.inl>
#include <dcs/cpu/foreach_isa.inl>

namespace dcs::cpu {

namespace detail {
// Whether a convolution of maps in 16 bits runs on copies in float: depthwise ones, and those that Winograd's algorithm computes with fewer
// multiplications than the processor's products of 16 bits save (bench/results/cpu-amd-zen5-bf16.txt).
inline bool computed_in_float(const conv2d_geometry& g) { return (g.depthwise() && g.taps() <= 128) || winograd_suits<float>(g); }
}  // namespace detail

/// y = act(conv(x, w) · scale + shift + residual); the parts of the epilogue that are null are left out.
template <class T>
void conv2d_forward(const conv2d_geometry& g, const T* x, const T* w, const epilogue<T>& e, T* y) {
  if (g.out_pixels() == 0) return;
  if constexpr (half_number<T>) {
    if (!detail::computed_in_float(g)) return DCS_DISPATCH(direct_forward, g, x, w, e, y), void();
    in_float(
        [&](const float* xf, const float* wf, const float* scale, const float* shift, const float* residual, float* yf) {
          conv2d_forward<float>(g, xf, wf, {scale, shift, residual, e.residual_stride, e.relu}, yf);
        },
        reads<T>{x, g.in_pixels() * g.in_c}, reads<T>{w, g.weights()}, reads<T>{e.scale, g.out_c}, reads<T>{e.shift, g.out_c},
        reads<T>{e.residual, g.out_pixels() * e.residual_stride}, writes<T>{y, g.out_pixels() * g.out_c});
  } else if (widening_suits<T>(g))
    widened_forward(g, x, w, e, y);
  else if (g.depthwise() && g.taps() <= 128)
    DCS_DISPATCH(depthwise_forward, g, x, w, e, y);
  else if (winograd_suits<T>(g))
    winograd_forward(g, x, w, e, y);
  else
    DCS_DISPATCH(direct_forward, g, x, w, e, y);
}

/// dx from dy: overwritten.
template <class T>
void conv2d_data_gradient(const conv2d_geometry& g, const T* dy, const T* w, T* dx) {
  if (g.in_pixels() == 0) return;
  if constexpr (half_number<T>) {
    if (detail::computed_in_float(g))
      return in_float([&](const float* dyf, const float* wf, float* dxf) { conv2d_data_gradient<float>(g, dyf, wf, dxf); },
                      reads<T>{dy, g.out_pixels() * g.out_c}, reads<T>{w, g.weights()}, writes<T>{dx, g.in_pixels() * g.in_c});
  } else {
    if (g.depthwise() && g.taps() <= 128) return DCS_DISPATCH(depthwise_data_gradient, g, dy, w, dx), void();
    if (winograd_suits<T>(g)) return winograd_data_gradient(g, dy, w, dx);
  }
  if (g.pointwise())
    for (std::int64_t i = 0; i < g.groups; ++i)
      gemm<T>(g.out_pixels(), g.group_in(), g.group_out(), {dy + i * g.group_out(), g.out_c, false}, {w + i * g.group_out(), g.out_c, true},
              dx + i * g.group_in(), g.in_c);
  else if (g.stride == 1 && g.k_h == g.k_w && g.dilation * (g.k_h - 1) >= g.padding)
    DCS_DISPATCH(direct_data_gradient_dense, g, dy, w, dx);
  else if constexpr (half_number<T>)
    in_float([&](float* dxf) { DCS_DISPATCH(direct_data_gradient_scattered, g, dy, w, dxf); }, writes<T>{dx, g.in_pixels() * g.in_c});
  else
    DCS_DISPATCH(direct_data_gradient_scattered, g, dy, w, dx);
}

/// dw from x and dy: overwritten.
template <class T>
void conv2d_weight_gradient(const conv2d_geometry& g, const T* x, const T* dy, T* dw) {
  if (g.out_pixels() == 0) return std::fill(dw, dw + g.weights(), T{}), void();
  if constexpr (half_number<T>) {
    if (!detail::computed_in_float(g)) return DCS_DISPATCH(direct_weight_gradient, g, x, dy, dw), void();
    in_float([&](const float* xf, const float* dyf, float* dwf) { conv2d_weight_gradient<float>(g, xf, dyf, dwf); },
             reads<T>{x, g.in_pixels() * g.in_c}, reads<T>{dy, g.out_pixels() * g.out_c}, writes<T>{dw, g.weights()});
  } else if (g.depthwise() && g.taps() <= 128)
    DCS_DISPATCH(depthwise_weight_gradient, g, x, dy, dw);
  else if (winograd_suits<T>(g))
    winograd_weight_gradient(g, x, dy, dw);
  else
    DCS_DISPATCH(direct_weight_gradient, g, x, dy, dw);
}

template <class T>
void conv2d_forward(device, const conv2d_geometry& g, const T* x, const T* w, const epilogue<T>& e, T* y) {
  conv2d_forward<T>(g, x, w, e, y);
}
template <class T>
void conv2d_data_gradient(device, const conv2d_geometry& g, const T* dy, const T* w, T* dx) {
  conv2d_data_gradient<T>(g, dy, w, dx);
}
template <class T>
void conv2d_weight_gradient(device, const conv2d_geometry& g, const T* x, const T* dy, T* dw) {
  conv2d_weight_gradient<T>(g, x, dy, dw);
}

/// out = dy where y > 0, else 0; out may be dy.
template <class T>
void relu_gradient(device, const T* y, const T* dy, T* out, std::int64_t n) {
  parallel_chunks(n, 1 << 15, [=](std::int64_t b, std::int64_t e) { DCS_DISPATCH(relu_gradient, y + b, dy + b, out + b, e - b); });
}
/// out[c] = Σ over rows of dy[row, c].
template <class T>
void sum_rows(device, const T* dy, std::int64_t rows, std::int64_t channels, T* out) {
  const std::int64_t size[2] = {rows, channels}, keep[2] = {0, 1};
  sum_to(device{}, out, channels, dy, size, 2, keep);
}
/// to[row, c] = from[row, c] · scale[c].
template <class T>
void scaled_weights(device, const T* from, const T* scale, std::int64_t rows, std::int64_t channels, T* to) {
  parallel_chunks(rows, 64, [=](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin * channels; i < end * channels; i += channels)
      for (std::int64_t o = 0; o < channels; ++o) to[i + o] = static_cast<T>(from[i + o] * scale[o]);
  });
}

// The entry points that dcs::compiled contains (core/compiled.hpp).
#define DCS_CONV2D_ENTRIES(declare, T)                                                                     \
  declare void conv2d_forward(const conv2d_geometry&, const T*, const T*, const epilogue<T>&, T*);         \
  declare void conv2d_data_gradient(const conv2d_geometry&, const T*, const T*, T*);                       \
  declare void conv2d_weight_gradient(const conv2d_geometry&, const T*, const T*, T*);                     \
  declare void conv2d_forward(device, const conv2d_geometry&, const T*, const T*, const epilogue<T>&, T*); \
  declare void conv2d_data_gradient(device, const conv2d_geometry&, const T*, const T*, T*);               \
  declare void conv2d_weight_gradient(device, const conv2d_geometry&, const T*, const T*, T*);             \
  declare void relu_gradient(device, const T*, const T*, T*, std::int64_t);                                \
  declare void sum_rows(device, const T*, std::int64_t, std::int64_t, T*);                                 \
  declare void scaled_weights(device, const T*, const T*, std::int64_t, std::int64_t, T*);
DCS_MAP_ENTRIES(DCS_CONV2D_ENTRIES)

}  // namespace dcs::cpu

#include <dcs/core/header_end.inl>
