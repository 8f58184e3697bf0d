// Products of floats on matrix units, which take TF32: the exponent of a float, ten bits of mantissa. A float is split into two such numbers, and of
// their four products the three that matter are summed in float, which is as good as a product of floats (3×TF32; Ootomo & Yokota 2022); or, by
// choice, it is rounded to one. The split and the order of its products are the same text on a GPU and on the host; each brings the product of
// 16 × 8 and 8 × 8 (m16n8k8) itself.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/cuda/block.hpp>

#include <bit>

DCS_EXACT_MATH
namespace dcs::cuda {

/// The nearest number of TF32; of two equally near, the one farther from zero. What is too large for it becomes infinite.
DCS_DEVICE inline float to_tf32(float v) {
#if defined(__CUDA_ARCH__)
  unsigned r;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(r) : "f"(v));
  return __uint_as_float(r);
#else
  const auto bits = std::bit_cast<std::uint32_t>(v);
  const bool finite = (bits & 0x7F800000u) != 0x7F800000u;
  return finite ? std::bit_cast<float>((bits + 0x1000u) & 0xFFFFE000u) : v;
#endif
}

namespace detail {

// A thread's operands of m16n8k8, by part: 0 is the float rounded, 1 what the rounding left.
template <mma_precision P>
struct tf32_operands {
  static constexpr int parts = P == mma_precision::full ? 2 : 1;
  float a[parts][4], b[parts][2];
};

template <int Parts, int N>
DCS_DEVICE void split_float(float v, float (&parts)[Parts][N], int i) {
  parts[0][i] = to_tf32(v);
  if constexpr (Parts > 1) parts[1][i] = to_tf32(v - parts[0][i]);
}

// Of half h of the 16 terms of fragments of a and b. A sum may take its terms in any order, so the two columns that a thread holds side by side serve
// as columns t and t + 4.
template <mma_precision P>
DCS_DEVICE tf32_operands<P> split_floats(const float* a, const float* b, int h) {
  const float av[4] = {a[4 * h], a[4 * h + 2], a[4 * h + 1], a[4 * h + 3]}, bv[2] = {b[2 * h], b[2 * h + 1]};
  tf32_operands<P> r;
  DCS_DEVICE_UNROLL
  for (int i = 0; i < 4; ++i) split_float(av[i], r.a, i);
  DCS_DEVICE_UNROLL
  for (int i = 0; i < 2; ++i) split_float(bv[i], r.b, i);
  return r;
}

// Calls product(part of a, part of b), small terms first; that of both remainders is below a float's accuracy.
template <mma_precision P, class Product>
DCS_DEVICE void for_tf32_products(const Product& product) {
  if constexpr (P == mma_precision::full) product(1, 0), product(0, 1);
  product(0, 0);
}

}  // namespace detail

}  // namespace dcs::cuda

#include <dcs/core/header_end.inl>
