// Common parts of the kernels of non-maximum suppression: keys of scores, corners of boxes, and the layout of problems and of their overlaps.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/cuda/device.hpp>

#include <cstring>

DCS_EXACT_MATH
namespace dcs::cuda {

namespace detail {

DCS_DEVICE inline int population(std::uint64_t w) {
#if defined(__CUDA_ARCH__)
  return __popcll(w);
#else
  return __builtin_popcountll(w);
#endif
}

template <class A>
using key_of = std::conditional_t<sizeof(A) == 4, std::uint32_t, std::uint64_t>;

/// An integer that increases as x decreases; both zeros have the same key, and NaN has the largest.
template <class A>
DCS_DEVICE inline key_of<A> falling_key(A x) {
  using U = key_of<A>;
  constexpr U sign = U(1) << (8 * sizeof(U) - 1);
  if (!(x == x)) return ~U(0);
  if (x == 0) return sign - 1;
  U bits;
  memcpy(&bits, &x, sizeof bits);
  return (bits & sign) != 0 ? bits : sign - 1 - bits;
}

// The largest A that is not above the threshold: comparing an IoU in A with it is the same as comparing with the threshold in double.
template <class A>
A overlap_bound(double threshold) {
  const A bound = static_cast<A>(threshold);
  return static_cast<double>(bound) > threshold ? std::nextafter(bound, -std::numeric_limits<A>::infinity()) : bound;
}

template <class A>
struct corners {
  A x1, y1, x2, y2;
};
template <class A, class Accessor>
DCS_DEVICE inline corners<A> read_corners(const Accessor& a, std::int64_t i) {
  if constexpr (4 * sizeof(typename Accessor::value_type) <= 16) {
    const auto p = a.template read<4>(4 * i);
    return {p[0], p[1], p[2], p[3]};
  } else {
    const auto p = a.template read<2>(4 * i), q = a.template read<2>(4 * i + 2);
    return {p[0], p[1], q[0], q[1]};
  }
}

}  // namespace detail

inline constexpr int nms_tile = 64, nms_most_levels = 8;

/// Independent problems of suppression. Problem p is of level p % levels and has count[level] boxes, which begin at p · stride; the stride is a
/// multiple of 64.
struct nms_problems {
  std::int64_t problems = 0, stride = 0;
  int levels = 1;
  std::int32_t count[nms_most_levels] = {};

  /// The number of words that hold the overlaps of a problem: 64 for each tile w and each tile 0 … w.
  DCS_DEVICE std::int64_t words() const {
    const std::int64_t tiles = stride / nms_tile;
    return tiles * (tiles + 1) / 2 * nms_tile;
  }
  DCS_DEVICE static std::int64_t word(std::int64_t tile, std::int64_t earlier) { return (tile * (tile + 1) / 2 + earlier) * nms_tile; }
};

}  // namespace dcs::cuda

#include <dcs/core/header_end.inl>
