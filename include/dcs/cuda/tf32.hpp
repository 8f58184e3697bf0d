// Products of floats on matrix units, which take TF32: the exponent of a float, ten bits of mantissa. A float is split into two such numbers, and of
// their four products the three that matter are summed in float, which is as good as a product of floats (3×TF32; Ootomo & Yokota 2022); or, by
// choice, it is rounded to one. The split and the order of the products are the same code for the GPU and for the host, which differ only in the
// product of 16 × 8 and 8 × 8 (m16n8k8) that they pass.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/cuda/block.hpp>

#include <bit>

DCS_EXACT_MATH
namespace dcs::cuda {

/// The nearest number of TF32; of two equally near, the one farther from zero. A number too large for it becomes infinite.
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

// A thread's operands of m16n8k8, by part: part 0 is the rounded float, part 1 the remainder of the rounding.
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

// The operands for half h of the 16 terms of fragments a and b. The terms of a sum may be in any order, so the two neighbouring columns that a thread
// holds are used as columns t and t + 4.
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

// Calls product(part of a, part of b), small terms first. The product of both remainders is omitted, as it is below a float's accuracy.
template <mma_precision P, class Product>
DCS_DEVICE void for_tf32_products(const Product& product) {
  if constexpr (P == mma_precision::full) product(1, 0), product(0, 1);
  product(0, 0);
}

}  // namespace detail

}  // namespace dcs::cuda

#include <dcs/core/header_end.inl>
