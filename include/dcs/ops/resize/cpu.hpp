// Resizing on the host: the taps of both axes are listed once per call. The gradient is the transposed map, which is described by taps too, so that
// forward and backward use one kernel.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/storage.hpp>
#include <dcs/cpu/half.hpp>
#include <dcs/cpu/parallel.hpp>
#include <dcs/cpu/simd.hpp>
#include <dcs/ops/resize/geometry.hpp>

#include <algorithm>
#include <utility>
#include <vector>

DCS_EXACT_MATH
namespace dcs::cpu {

/// Output i of an axis is Σ weight[t] · input[source[t]] over t in [begin[i], begin[i + 1]).
template <class T>
struct axis_taps {
  std::int64_t count = 0;
  std::vector<std::int64_t> begin, source;
  std::vector<T> weight;
};

}  // namespace dcs::cpu

#define DCS_KERNELS <dcs/ops/resize/rows.inl>
#include <dcs/cpu/foreach_isa.inl>

namespace dcs::cpu {

namespace detail {

template <class T>
axis_taps<T> make_taps(std::int64_t in, std::int64_t out, resampling how) {
  axis_taps<T> a;
  a.count = out;
  a.begin.push_back(0);
  for (std::int64_t i = 0; i < out; ++i) {
    if (how == resampling::nearest) {
      a.source.push_back(std::min(i * in / out, in - 1));
      a.weight.push_back(T(1));
    } else {
      const T at = how == resampling::aligned ? (out > 1 ? static_cast<T>(i) * (static_cast<T>(in - 1) / static_cast<T>(out - 1)) : T(0))
                                              : std::max(T(0), (static_cast<T>(i) + T(0.5)) * (static_cast<T>(in) / static_cast<T>(out)) - T(0.5));
      const std::int64_t low = std::min(static_cast<std::int64_t>(at), in - 1);
      const T fraction = std::min(T(1), at - static_cast<T>(low));
      a.source.push_back(low);
      a.weight.push_back(low + 1 < in ? T(1) - fraction : T(1));
      if (low + 1 < in && fraction > T(0)) a.source.push_back(low + 1), a.weight.push_back(fraction);
    }
    a.begin.push_back(static_cast<std::int64_t>(a.source.size()));
  }
  return a;
}

template <class T>
axis_taps<T> transposed(const axis_taps<T>& a, std::int64_t in) {
  axis_taps<T> t;
  t.count = in;
  std::vector<std::vector<std::pair<std::int64_t, T>>> to(static_cast<std::size_t>(in));
  for (std::size_t i = 0; i + 1 < a.begin.size(); ++i)
    for (auto k = static_cast<std::size_t>(a.begin[i]); k < static_cast<std::size_t>(a.begin[i + 1]); ++k)
      to[static_cast<std::size_t>(a.source[k])].emplace_back(static_cast<std::int64_t>(i), a.weight[k]);
  t.begin.push_back(0);
  for (const auto& row : to) {
    for (const auto& [i, w] : row) t.source.push_back(i), t.weight.push_back(w);
    t.begin.push_back(static_cast<std::int64_t>(t.source.size()));
  }
  return t;
}

// y (batch × down.count × across.count × channels) from x (batch × in_h × in_w × channels).
template <class T>
void resize_map(const T* x, std::int64_t batch, std::int64_t in_h, std::int64_t in_w, std::int64_t channels, const axis_taps<T>& down,
                const axis_taps<T>& across, T* y) {
  parallel_for(batch * down.count, [&](std::int64_t row) {
    const std::int64_t n = row / down.count;
    const auto i = static_cast<std::size_t>(row % down.count);
    T* out = y + row * across.count * channels;
    if (down.begin[i] == down.begin[i + 1]) std::fill(out, out + across.count * channels, T(0));
    for (auto t = static_cast<std::size_t>(down.begin[i]); t < static_cast<std::size_t>(down.begin[i + 1]); ++t)
      DCS_DISPATCH(resize_row, across, channels, down.weight[t], x + (n * in_h + down.source[t]) * in_w * channels, out,
                   static_cast<std::int64_t>(t) > down.begin[i]);
  });
}

}  // namespace detail

/// y is x resized.
template <class T>
void resize_forward(device, const resize_geometry& g, const T* x, T* y) {
  const auto down = detail::make_taps<T>(g.in_h, g.out_h, g.how), across = detail::make_taps<T>(g.in_w, g.out_w, g.how);
  detail::resize_map(x, g.batch, g.in_h, g.in_w, g.channels, down, across, y);
}
template <class T>
void resize_backward(device, const resize_geometry& g, const T* dy, T* dx) {
  const auto down = detail::make_taps<T>(g.in_h, g.out_h, g.how), across = detail::make_taps<T>(g.in_w, g.out_w, g.how);
  detail::resize_map(dy, g.batch, g.out_h, g.out_w, g.channels, detail::transposed(down, g.in_h), detail::transposed(across, g.in_w), dx);
}

// Maps in 16 bits, by the kernels of float (cpu/half.hpp).
template <half_number T>
void resize_forward(device, const resize_geometry& g, const T* x, T* y) {
  in_float([&](const float* xf, float* yf) { resize_forward<float>(device{}, g, xf, yf); }, reads<T>{x, g.batch * g.in_h * g.in_w * g.channels},
           writes<T>{y, g.batch * g.out_h * g.out_w * g.channels});
}
template <half_number T>
void resize_backward(device, const resize_geometry& g, const T* dy, T* dx) {
  in_float([&](const float* dyf, float* dxf) { resize_backward<float>(device{}, g, dyf, dxf); },
           reads<T>{dy, g.batch * g.out_h * g.out_w * g.channels}, writes<T>{dx, g.batch * g.in_h * g.in_w * g.channels});
}

// The entry points that dcs::compiled contains (core/compiled.hpp).
#define DCS_RESIZE_ENTRIES(declare, T)                                       \
  declare void resize_forward(device, const resize_geometry&, const T*, T*); \
  declare void resize_backward(device, const resize_geometry&, const T*, T*);
DCS_MAP_ENTRIES(DCS_RESIZE_ENTRIES)

}  // namespace dcs::cpu

#include <dcs/core/header_end.inl>
