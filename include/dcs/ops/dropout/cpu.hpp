// Dropout on the host: masks are drawn for a block of elements, or for all channels of an image, at a time.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/storage.hpp>
#include <dcs/cpu/half.hpp>
#include <dcs/cpu/parallel.hpp>
#include <dcs/cpu/random.hpp>

DCS_EXACT_MATH
#define DCS_KERNELS <dcs/ops/dropout/rows.inl>
#include <dcs/cpu/foreach_isa.inl>

namespace dcs::cpu {

/// y = x · mask / (1 − p), where element (n, i, c) of [outer, inner, channels] has the mask of index n · channels + c where whole channels are
/// dropped, else of its own index.
template <class T>
void dropout_apply(device, const T* x, T* y, std::int64_t outer, std::int64_t inner, std::int64_t channels, bool by_channel, double p,
                   random_stream random) {
  const T scale = static_cast<T>(1 / (1 - p));
  if (by_channel) {
    scratch<T> mask(outer * channels);
    draw_mask(random, 0, outer * channels, p, scale, mask.data());
    parallel_chunks(outer * inner, 256,
                    [&](std::int64_t begin, std::int64_t end) { DCS_DISPATCH(dropout_rows, x, y, begin, end, inner, channels, mask.data()); });
  } else {
    parallel_chunks(outer * inner * channels, 1 << 14, [&](std::int64_t begin, std::int64_t end) {
      constexpr std::int64_t block = 1024;
      alignas(64) T mask[block];
      for (std::int64_t i = begin; i < end; i += block) {
        const std::int64_t n = std::min(block, end - i);
        draw_mask(random, static_cast<std::uint64_t>(i), n, p, scale, mask);
        DCS_DISPATCH(dropout_rows, x + i, y + i, std::int64_t{0}, std::int64_t{1}, std::int64_t{1}, n, mask);
      }
    });
  }
}

// Maps in 16 bits, by the kernels of float (cpu/half.hpp).
template <half_number T>
void dropout_apply(device, const T* x, T* y, std::int64_t outer, std::int64_t inner, std::int64_t channels, bool by_channel, double p,
                   random_stream random) {
  const std::int64_t count = outer * inner * channels;
  in_float([=](const float* xf, float* yf) { dropout_apply<float>(device{}, xf, yf, outer, inner, channels, by_channel, p, random); },
           reads<T>{x, count}, writes<T>{y, count});
}

// The entry points that dcs::compiled contains (core/compiled.hpp).
#define DCS_DROPOUT_ENTRIES(declare, T) \
  declare void dropout_apply(device, const T*, T*, std::int64_t, std::int64_t, std::int64_t, bool, double, random_stream);
DCS_MAP_ENTRIES(DCS_DROPOUT_ENTRIES)

}  // namespace dcs::cpu

#include <dcs/core/header_end.inl>
