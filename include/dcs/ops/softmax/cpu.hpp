// Softmax on the host over the middle axis of [outer, n, inner]: along a row where that is the last axis, else over vectors of neighbouring columns.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/storage.hpp>
#include <dcs/cpu/half.hpp>
#include <dcs/cpu/math.hpp>
#include <dcs/cpu/parallel.hpp>

DCS_EXACT_MATH
#define DCS_KERNELS <dcs/ops/softmax/rows.inl>
#include <dcs/cpu/foreach_isa.inl>

namespace dcs::cpu {

/// y = exp(x) / Σ exp(x) along the axis of n >= 1.
template <class T>
void softmax_forward(device, const T* x, T* y, std::int64_t outer, std::int64_t n, std::int64_t inner) {
  parallel_chunks(outer, std::max<std::int64_t>(1, 4096 / (n * std::max<std::int64_t>(inner, 1))), [=](std::int64_t begin, std::int64_t end) {
    for (std::int64_t o = begin; o < end; ++o) DCS_DISPATCH(softmax_forward, x + o * n * inner, y + o * n * inner, n, inner);
  });
}
/// dx = y · (dy − Σ dy · y).
template <class T>
void softmax_backward(device, const T* y, const T* dy, T* dx, std::int64_t outer, std::int64_t n, std::int64_t inner) {
  parallel_chunks(outer, std::max<std::int64_t>(1, 4096 / (n * std::max<std::int64_t>(inner, 1))), [=](std::int64_t begin, std::int64_t end) {
    for (std::int64_t o = begin; o < end; ++o) DCS_DISPATCH(softmax_backward, y + o * n * inner, dy + o * n * inner, dx + o * n * inner, n, inner);
  });
}

// Maps in 16 bits, by the kernels of float (cpu/half.hpp).
template <half_number T>
void softmax_forward(device, const T* x, T* y, std::int64_t outer, std::int64_t n, std::int64_t inner) {
  const std::int64_t count = outer * n * inner;
  in_float([=](const float* xf, float* yf) { softmax_forward<float>(device{}, xf, yf, outer, n, inner); }, reads<T>{x, count}, writes<T>{y, count});
}
template <half_number T>
void softmax_backward(device, const T* y, const T* dy, T* dx, std::int64_t outer, std::int64_t n, std::int64_t inner) {
  const std::int64_t count = outer * n * inner;
  in_float([=](const float* yf, const float* dyf, float* dxf) { softmax_backward<float>(device{}, yf, dyf, dxf, outer, n, inner); },
           reads<T>{y, count}, reads<T>{dy, count}, writes<T>{dx, count});
}

// The entry points that dcs::compiled contains (core/compiled.hpp).
#define DCS_SOFTMAX_ENTRIES(declare, T)                                                         \
  declare void softmax_forward(device, const T*, T*, std::int64_t, std::int64_t, std::int64_t); \
  declare void softmax_backward(device, const T*, const T*, T*, std::int64_t, std::int64_t, std::int64_t);
DCS_MAP_ENTRIES(DCS_SOFTMAX_ENTRIES)

}  // namespace dcs::cpu

#include <dcs/core/header_end.inl>
