// Boxes as plain data, and their overlap, shared by data sets, ops and detectors. Corners x1, y1, x2, y2 in pixels; width is x2 − x1. Functions that
// kernels call too are constexpr, so that nvcc compiles them for the device as well.
#pragma once

#include <dcs/core/header_begin.inl>

#include <algorithm>
#include <cstdint>
#include <type_traits>

DCS_EXACT_MATH
namespace dcs {

namespace detail {
// A product that is rounded before it is added to anything. On a device the compiler would otherwise fuse product and sum in some kernels and not in
// others; but matching tests overlaps of two kernels for equality, bit by bit, and both must agree with the host.
template <class T>
constexpr T rounded_product(T a, T b) {
#if defined(__CUDA_ARCH__)
  if constexpr (std::is_same_v<T, float>)
    return __fmul_rn(a, b);
  else
    return __dmul_rn(a, b);
#else
  return a * b;
#endif
}
}  // namespace detail

template <class T>
struct box {
  T x1 = 0, y1 = 0, x2 = 0, y2 = 0;
  constexpr T width() const { return x2 - x1; }
  constexpr T height() const { return y2 - y1; }
  constexpr T area() const { return detail::rounded_product(width(), height()); }
  friend constexpr bool operator==(const box&, const box&) = default;
};

/// Intersection over union; 0 / 0 is 0.
template <class T>
constexpr T iou(const box<T>& a, const box<T>& b) {
  const T w = std::max(T(0), std::min(a.x2, b.x2) - std::max(a.x1, b.x1)), h = std::max(T(0), std::min(a.y2, b.y2) - std::max(a.y1, b.y1));
  const T inner = detail::rounded_product(w, h), all = a.area() + b.area() - inner;
  return all > T(0) ? inner / all : T(0);
}

/// The part of a box inside an image.
template <class T>
constexpr box<T> clip(const box<T>& b, std::int64_t height, std::int64_t width) {
  const T w = static_cast<T>(width), h = static_cast<T>(height);
  return {std::clamp(b.x1, T(0), w), std::clamp(b.y1, T(0), h), std::clamp(b.x2, T(0), w), std::clamp(b.y2, T(0), h)};
}

/// A detected object.
template <class T>
struct detection {
  dcs::box<T> box;
  T score;
};

}  // namespace dcs

#include <dcs/core/header_end.inl>
