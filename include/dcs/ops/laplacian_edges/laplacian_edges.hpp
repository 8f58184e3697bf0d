// The edges of a binary map, the target of an edge loss. It has no gradient.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/compiled.hpp>
#include <dcs/core/tensor.hpp>
#include <dcs/cpu/half.hpp>
#include <dcs/cpu/parallel.hpp>

DCS_EXACT_MATH
namespace dcs::cpu {

/// e = 1 where the 8-neighbour Laplacian of n maps of h × w exceeds 0.1 (zero padding), else 0.
template <class T>
void laplacian_edges_forward(device, const T* t, std::int64_t n, std::int64_t h, std::int64_t w, T* e) {
  parallel_chunks(n * h, std::max<std::int64_t>(1, 4096 / std::max<std::int64_t>(w, 1)), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t r = begin; r < end; ++r) {
      const std::int64_t i = r % h;
      const T* map = t + (r - i) * w;
      for (std::int64_t j = 0; j < w; ++j) {
        T sum = 0;
        for (std::int64_t y = std::max<std::int64_t>(i - 1, 0); y <= std::min(i + 1, h - 1); ++y)
          for (std::int64_t x = std::max<std::int64_t>(j - 1, 0); x <= std::min(j + 1, w - 1); ++x) sum += map[y * w + x];
        e[r * w + j] = T(9) * map[i * w + j] - sum > T(0.1) ? T(1) : T(0);
      }
    }
  });
}

// Maps in 16 bits, by the kernels of float (cpu/half.hpp).
template <half_number T>
void laplacian_edges_forward(device, const T* t, std::int64_t n, std::int64_t h, std::int64_t w, T* e) {
  in_float([=](const float* tf, float* ef) { laplacian_edges_forward<float>(device{}, tf, n, h, w, ef); }, reads<T>{t, n * h * w},
           writes<T>{e, n * h * w});
}

// The entry points that dcs::compiled contains (core/compiled.hpp).
#define DCS_LAPLACIAN_EDGES_ENTRIES(declare, T) declare void laplacian_edges_forward(device, const T*, std::int64_t, std::int64_t, std::int64_t, T*);
DCS_MAP_ENTRIES(DCS_LAPLACIAN_EDGES_ENTRIES)

}  // namespace dcs::cpu

namespace dcs {

template <class Found, class Expected, class Axis>
struct laplacian_edges_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::laplacian_edges: a target has one channel (axis 3)");
};

/// Where the 8-neighbour Laplacian of a target exceeds 0.1 (zero padding): its inner contour, as 0 and 1. t: shape<N, H, W, 1>.
template <class T, class S, class D>
tensor<T, S, D> laplacian_edges(const tensor<T, S, D>& t) {
  static_assert(S::rank == 4, "dcs::laplacian_edges: a target has the four axes N,H,W,C");
  verify(check_of<laplacian_edges_mismatch<found<extent_of<S, 3>>, expected<1>, axis<3>>>);
  detail::expect_inner("dcs::laplacian_edges", t.sizes());
  auto e = tensor<T, S, D>::empty(t.sizes());
  laplacian_edges_forward(D{}, t.data(), t.sizes()[0], t.sizes()[1], t.sizes()[2], e.data());
  return e;
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
