// What a program may choose about a GPU's arithmetic and libraries. Does not need the CUDA toolkit, as kernels that the host executes follow these
// options too.
#pragma once

#include <dcs/core/header_begin.inl>

#include <cstdint>

DCS_EXACT_MATH
namespace dcs::cuda {

/// How cuDNN, cuBLASLt and the kernels of attention compute, from now on, on every thread; plans and algorithms that have been chosen before are not
/// changed.
struct library_options {
  /// f32 may be rounded to TF32 (ten bits of mantissa) on its way into matrix units.
  bool tf32 = false;
  /// Engines of cuDNN, and algorithms of cuBLASLt, that are timed when a convolution, or a product, is first computed. 1: the heuristics' first
  /// choice is used, so that every run on this kind of GPU has the same bits; with more, runs may choose differently and differ by rounding.
  int candidates = 8;
  /// Bytes that an engine may work in.
  std::int64_t most_workspace = std::int64_t{1} << 30;

  static library_options& get() {
    static library_options o;
    return o;
  }
};

}  // namespace dcs::cuda

#include <dcs/core/header_end.inl>
