// Windows along one axis on the host: unfold copies every tap of every window beside the others, and fold, its transpose and so its gradient, adds
// them up again for each element of the input, so that no two threads write one element.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/compiled.hpp>
#include <dcs/core/storage.hpp>
#include <dcs/cpu/half.hpp>
#include <dcs/cpu/parallel.hpp>
#include <dcs/ops/unfold/geometry.hpp>

#include <algorithm>

DCS_EXACT_MATH
namespace dcs::cpu {

/// y = the taps of each window of x, zeros outside of x.
template <class T>
void unfold(device, const unfold_geometry& g, const T* x, T* y) {
  const std::int64_t run = g.run(), in_row = g.inner * g.channels, out_row = in_row * g.kernel;
  parallel_for(g.batch * g.out, [&](std::int64_t row) {
    const std::int64_t first = row % g.out * g.stride - g.padding;
    for (std::int64_t k = 0; k < g.kernel; ++k) {
      const std::int64_t at = first + k * g.dilation;
      const T* from = at < 0 || at >= g.in ? nullptr : x + (row / g.out * g.in + at) * in_row;
      T* to = y + row * out_row + k * run;
      for (std::int64_t i = 0; i < g.inner * g.groups; ++i, to += g.kernel * run) {
        if (from)
          std::copy_n(from + i * run, run, to);
        else
          std::fill_n(to, run, T{});
      }
    }
  });
}

/// x = Σ of the taps of y that were copied from an element, in the order of the taps, + shift[channel]; no shift where it is null.
template <class T>
void fold(device, const unfold_geometry& g, const T* y, const T* shift, T* x) {
  const std::int64_t run = g.run(), in_row = g.inner * g.channels, out_row = in_row * g.kernel;
  parallel_for(g.batch * g.in, [&](std::int64_t row) {
    T* to = x + row * in_row;
    for (std::int64_t p = 0; p < g.inner; ++p)
      for (std::int64_t c = 0; c < g.channels; ++c) to[p * g.channels + c] = shift ? shift[c] : T(0);
    for (std::int64_t k = 0; k < g.kernel; ++k) {
      const std::int64_t begin = row % g.in + g.padding - k * g.dilation;
      if (begin < 0 || begin % g.stride != 0 || begin / g.stride >= g.out) continue;
      const T* from = y + (row / g.in * g.out + begin / g.stride) * out_row + k * run;
      for (std::int64_t i = 0; i < g.inner * g.groups; ++i, from += g.kernel * run)
        for (std::int64_t c = 0; c < run; ++c) to[i * run + c] += from[c];
    }
  });
}

// Maps in 16 bits, by the kernels of float (cpu/half.hpp).
template <half_number T>
void fold(device, const unfold_geometry& g, const T* y, const T* shift, T* x) {
  const std::int64_t count = g.batch * g.in * g.inner * g.channels, unfolded = g.batch * g.out * g.inner * g.channels * g.kernel;
  in_float([&](const float* yf, const float* sf, float* xf) { fold<float>(device{}, g, yf, sf, xf); }, reads<T>{y, unfolded},
           reads<T>{shift, g.channels}, writes<T>{x, count});
}

// The entry points that dcs::compiled contains (core/compiled.hpp).
#define DCS_UNFOLD_ENTRIES(declare, T)                               \
  declare void unfold(device, const unfold_geometry&, const T*, T*); \
  declare void fold(device, const unfold_geometry&, const T*, const T*, T*);
DCS_MAP_ENTRIES(DCS_UNFOLD_ENTRIES)

}  // namespace dcs::cpu

#include <dcs/core/header_end.inl>
