// Pixel-adaptive fusion on the host: the softmax over K logits and the weighted sum of K maps in one pass over memory, forward and backward. The
// number of maps is a template argument, because the loop over them must be unrolled.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/storage.hpp>
#include <dcs/cpu/half.hpp>
#include <dcs/cpu/math.hpp>
#include <dcs/cpu/parallel.hpp>

DCS_EXACT_MATH
#define DCS_KERNELS <dcs/ops/weighted_sum/pixels.inl>
#include <dcs/cpu/foreach_isa.inl>

namespace dcs::cpu {

/// out[p, c] = Σ_k softmax(logits[p])_k · maps[k][p, c].
template <int K, class T>
void weighted_sum_forward(device, const T* logits, const T* const* maps, T* out, std::int64_t pixels, std::int64_t channels) {
  if constexpr (half_number<T>) {
    const auto wide = widened_copies(maps, K, pixels * channels);
    return in_float([&](const float* lf, float* of) { weighted_sum_forward<K>(device{}, lf, pointers(wide).data(), of, pixels, channels); },
                    reads<T>{logits, pixels * K}, writes<T>{out, pixels * channels});
  } else {
    parallel_chunks(pixels, 64, [&](std::int64_t begin, std::int64_t end) {
      DCS_DISPATCH(template weighted_sum_forward<T DCS_COMMA K>, logits, maps, out, begin, end, channels);
    });
  }
}
/// Gradients that are not needed are null.
template <int K, class T>
void weighted_sum_backward(device, const T* logits, const T* const* maps, const T* dy, T* dlogits, T* const* dmaps, std::int64_t pixels,
                           std::int64_t channels) {
  if constexpr (half_number<T>) {
    const std::int64_t count = pixels * channels;
    const auto wide = widened_copies(maps, K, count);
    const auto gradients = rounded_results(dmaps, K, count);
    in_float(
        [&](const float* lf, const float* dyf, float* dlf) {
          weighted_sum_backward<K>(device{}, lf, pointers(wide).data(), dyf, dlf, pointers(gradients).data(), pixels, channels);
        },
        reads<T>{logits, pixels * K}, reads<T>{dy, count}, writes<T>{dlogits, pixels * K});
    for (const auto& g : gradients) g.deliver();
  } else {
    parallel_chunks(pixels, 64, [&](std::int64_t begin, std::int64_t end) {
      DCS_DISPATCH(template weighted_sum_backward<T DCS_COMMA K>, logits, maps, dy, dlogits, dmaps, begin, end, channels);
    });
  }
}

// The entry points that dcs::compiled contains (core/compiled.hpp), for every number of maps that the op allows.
#define DCS_WEIGHTED_SUM_OF(K, declare, T)                                                                 \
  declare void weighted_sum_forward<K>(device, const T*, const T* const*, T*, std::int64_t, std::int64_t); \
  declare void weighted_sum_backward<K>(device, const T*, const T* const*, const T*, T*, T* const*, std::int64_t, std::int64_t);
#define DCS_WEIGHTED_SUM_ENTRIES(declare, T) \
  DCS_WEIGHTED_SUM_OF(2, declare, T)         \
  DCS_WEIGHTED_SUM_OF(3, declare, T)         \
  DCS_WEIGHTED_SUM_OF(4, declare, T)         \
  DCS_WEIGHTED_SUM_OF(5, declare, T)         \
  DCS_WEIGHTED_SUM_OF(6, declare, T)         \
  DCS_WEIGHTED_SUM_OF(7, declare, T)         \
  DCS_WEIGHTED_SUM_OF(8, declare, T)
DCS_MAP_ENTRIES(DCS_WEIGHTED_SUM_ENTRIES)

}  // namespace dcs::cpu

#include <dcs/core/header_end.inl>
