// Philox for whole vectors of indices. Masks of dropout are not stored but drawn in the forward and again in the backward pass, and one call of the
// generator per element would cost more than the matrix products around it. The words are those of core/philox.hpp, bit for bit.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/philox.hpp>
#include <dcs/cpu/simd.hpp>

#include <algorithm>

DCS_EXACT_MATH
#define DCS_KERNELS <dcs/cpu/random.inl>
#include <dcs/cpu/foreach_isa.inl>

namespace dcs::cpu {

/// mask[i] = random.uniform(first + i) >= p ? kept : 0, for i in [0, count).
template <class T>
void draw_mask(random_stream random, std::uint64_t first, std::int64_t count, double p, T kept, T* mask) {
  // uniform is w / 2^24 for a 24-bit w: the comparison is one of integers.
  const float limit = static_cast<float>(p) * 0x1p24f;
  const auto least = static_cast<std::uint32_t>(std::ceil(limit));
  DCS_DISPATCH(draw_mask, random, first, count, least, kept, mask);
}

// The entry points that dcs::compiled contains (core/compiled.hpp).
#define DCS_RANDOM_ENTRIES(declare, T) declare void draw_mask(random_stream, std::uint64_t, std::int64_t, double, T, T*);
DCS_ENTRIES(DCS_RANDOM_ENTRIES)

}  // namespace dcs::cpu

#include <dcs/core/header_end.inl>
