// Transposed convolution on a GPU: the data gradient of a convolution (conv2d/cuda.cuh: by cuDNN, a matrix product, or for a depthwise one a kernel
// of its own), and the shift in a pass after it.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/ops/conv2d/cuda.cuh>
#include <dcs/ops/conv_transpose2d/cpu.hpp>

DCS_EXACT_MATH
namespace dcs::cuda {

/// See conv_transpose2d/cpu.hpp.
template <class T, gpu D>
void conv_transpose2d_forward(D, const cpu::conv2d_geometry& g, const T* x, const T* w, const T* shift, T* y) {
  if (g.in_pixels() == 0) return;
  conv2d_data_gradient<T>(D{}, g, x, w, y);
  finish(D{}, g.in_pixels(), g.in_c, cpu::epilogue<T>{nullptr, shift, nullptr, 0, false}, y);
}

}  // namespace dcs::cuda

#include <dcs/core/header_end.inl>
