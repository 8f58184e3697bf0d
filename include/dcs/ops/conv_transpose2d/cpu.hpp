// Transposed convolution on the host. It is the data gradient of a convolution, and its own gradients are that convolution and its weight gradient,
// so every kernel is conv2d's. The geometry is that convolution's: its result is our input, its input our result.
//
// A device provides conv_transpose2d_forward(D{}, geometry, x, w, shift, y) besides the entry points of conv2d/cpu.hpp. The host's is in this file,
// that of a GPU in cuda.cuh.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/expr/half_chain.hpp>
#include <dcs/ops/conv2d/cpu.hpp>

DCS_EXACT_MATH
namespace dcs::cpu {

/// y[row, c] += shift[c].
template <class T>
void add_shift(const T* shift, std::int64_t rows, std::int64_t channels, T* y) {
  const std::int64_t size[2] = {rows, channels}, strides[2][expr::max_rank] = {{channels, 1}, {0, 1}};
  expr::chain_arguments<T, 2> a;
  a.in[0] = y, a.in[1] = shift, a.out = y;
  a.lay_out(size, 2, strides);
  chain_forward<expr::call<functions::add, expr::leaf<0>, expr::leaf<1>>>(device{}, a);
}

/// y = the transposed convolution of x + shift; no shift where it is null. Small ones in f32 sum in f64 (conv2d/widened.hpp).
/// x: g.out_pixels() × g.out_c; w: as the convolution of `g` has it; y: g.in_pixels() × g.in_c, overwritten.
template <class T>
void conv_transpose2d_forward(device, const conv2d_geometry& g, const T* x, const T* w, const T* shift, T* y) {
  if (g.in_pixels() == 0) return;
  if (widening_suits<T>(g))
    return summed_in_double(x, g.out_pixels() * g.out_c, w, g.weights(), g.in_pixels(), g.in_c, epilogue<T>{nullptr, shift, nullptr, 0, false}, y,
                            [&](const double* xd, const double* wd, double* yd) { conv2d_data_gradient<double>(g, xd, wd, yd); });
  conv2d_data_gradient<T>(g, x, w, y);
  if (shift) add_shift(shift, g.in_pixels(), g.in_c, y);
}

// What dcs::compiled has of these (core/compiled.hpp).
#define DCS_CONV_TRANSPOSE2D_ENTRIES(declare, T)                    \
  declare void add_shift(const T*, std::int64_t, std::int64_t, T*); \
  declare void conv_transpose2d_forward(device, const conv2d_geometry&, const T*, const T*, const T*, T*);
DCS_MAP_ENTRIES(DCS_CONV_TRANSPOSE2D_ENTRIES)

}  // namespace dcs::cpu

#include <dcs/core/header_end.inl>
