// Boxes, their overlap, and the coder between boxes and regression targets. Corners x1, y1, x2, y2 in pixels; width is x2 − x1. What kernels compute
// too is constexpr: nvcc then compiles the same text for the device.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/error.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <type_traits>
#include <utility>
#include <vector>

DCS_EXACT_MATH
namespace dcs {

namespace detail {
// A product that is rounded before it meets a sum. On a device the compiler would contract the two, in one kernel otherwise than in another; matching
// compares overlaps that two kernels computed for equal bits, and they are those of the host.
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

/// Regression targets of a box about a reference box, and back (Girshick et al. 2014, appendix C), scaled by weights.
struct box_coder {
  double wx = 1, wy = 1, ww = 1, wh = 1;

  template <class T>
  constexpr void encode(const box<T>& reference, const box<T>& target, T* out) const {
    const T w = reference.width(), h = reference.height();
    out[0] = static_cast<T>(wx) * ((target.x1 + target.width() / 2) - (reference.x1 + w / 2)) / w;
    out[1] = static_cast<T>(wy) * ((target.y1 + target.height() / 2) - (reference.y1 + h / 2)) / h;
    out[2] = static_cast<T>(ww) * std::log(target.width() / w);
    out[3] = static_cast<T>(wh) * std::log(target.height() / h);
  }
  /// Growth beyond ln(1000 / 16) is cut, so that no width overflows.
  template <class T>
  box<T> decode(const box<T>& reference, const T* delta) const {
    const T limit = static_cast<T>(std::log(1000.0 / 16));
    const T w = reference.width(), h = reference.height();
    const T x = delta[0] / static_cast<T>(wx) * w + (reference.x1 + w / 2), y = delta[1] / static_cast<T>(wy) * h + (reference.y1 + h / 2);
    const T nw = std::exp(std::min(delta[2] / static_cast<T>(ww), limit)) * w, nh = std::exp(std::min(delta[3] / static_cast<T>(wh), limit)) * h;
    return {x - nw / 2, y - nh / 2, x + nw / 2, y + nh / 2};
  }
  /// The decoded box's part inside an image, and whether its sides are at least `smallest`. In double whatever T is: the side of a sliver is the
  /// difference of two coordinates that in float agree in almost all digits.
  template <class T>
  std::pair<box<T>, bool> decode_within(const box<T>& reference, const T* delta, std::int64_t height, std::int64_t width, double smallest) const {
    const double d[4] = {delta[0], delta[1], delta[2], delta[3]};
    const auto b = clip(decode(box<double>{reference.x1, reference.y1, reference.x2, reference.y2}, d), height, width);
    return {{static_cast<T>(b.x1), static_cast<T>(b.y1), static_cast<T>(b.x2), static_cast<T>(b.y2)},
            b.width() >= smallest && b.height() >= smallest};
  }
};

inline constexpr box_coder rpn_coder{1, 1, 1, 1}, box_head_coder{10, 10, 5, 5};

/// Level of the pyramid, counted from P2 = 0, that pools a box: ⌊4 + log2(√area / 224) + 1e-6⌋ within 2..5 (Lin et al. 2017, eq. 1).
template <class T>
constexpr int pooling_level(const box<T>& b) {
  const T k = std::floor(T(4) + std::log2(std::sqrt(b.area()) / T(224)) + T(1e-6));
  return static_cast<int>(std::clamp(k, T(2), T(5))) - 2;
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
