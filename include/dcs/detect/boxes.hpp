// The coder between boxes and regression targets, and the level of a pyramid from which a box is pooled. Functions that kernels call too are
// constexpr.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/box.hpp>
#include <dcs/core/error.hpp>

#include <cmath>
#include <utility>
#include <vector>

DCS_EXACT_MATH
namespace dcs {

/// Encodes a box relative to a reference box as regression targets, and decodes them (Girshick et al. 2014, appendix C), scaled by weights.
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
  /// The logarithm of the growth is limited to ln(1000 / 16), so that no width overflows.
  static constexpr double most_growth = 4.135166556742356;
  template <class T>
  constexpr box<T> decode(const box<T>& reference, const T* delta) const {
    const T limit = static_cast<T>(most_growth);
    const T w = reference.width(), h = reference.height();
    const T x = delta[0] / static_cast<T>(wx) * w + (reference.x1 + w / 2), y = delta[1] / static_cast<T>(wy) * h + (reference.y1 + h / 2);
    const T nw = std::exp(std::min(delta[2] / static_cast<T>(ww), limit)) * w, nh = std::exp(std::min(delta[3] / static_cast<T>(wh), limit)) * h;
    return {x - nw / 2, y - nh / 2, x + nw / 2, y + nh / 2};
  }
  /// The decoded box's part inside an image, and whether its sides are at least `smallest`. In double whatever T is, as the side of a very narrow box
  /// is the difference of two almost equal coordinates.
  template <class T, class Delta>
  constexpr std::pair<box<T>, bool> decode_within(const box<T>& reference, const Delta* delta, std::int64_t height, std::int64_t width,
                                                  double smallest) const {
    const double d[4] = {delta[0], delta[1], delta[2], delta[3]};
    const auto b = clip(decode(box<double>{reference.x1, reference.y1, reference.x2, reference.y2}, d), height, width);
    return {{static_cast<T>(b.x1), static_cast<T>(b.y1), static_cast<T>(b.x2), static_cast<T>(b.y2)},
            b.width() >= smallest && b.height() >= smallest};
  }
};

inline constexpr box_coder rpn_coder{1, 1, 1, 1}, box_head_coder{10, 10, 5, 5};

/// Level of the pyramid, counted from P2 = 0, from which a box is pooled: ⌊4 + log2(√area / 224) + 1e-6⌋ within 2..5 (Lin et al. 2017, eq. 1).
template <class T>
constexpr int pooling_level(const box<T>& b) {
  const T k = std::floor(T(4) + std::log2(std::sqrt(b.area()) / T(224)) + T(1e-6));
  return static_cast<int>(std::clamp(k, T(2), T(5))) - 2;
}

/// Boxes as detections of score 1.
template <class B, class From>
std::vector<std::vector<detection<B>>> certain(const std::vector<std::vector<box<From>>>& boxes) {
  std::vector<std::vector<detection<B>>> out;
  for (const auto& image : boxes) {
    out.emplace_back();
    for (const auto& b : image)
      out.back().push_back({{static_cast<B>(b.x1), static_cast<B>(b.y1), static_cast<B>(b.x2), static_cast<B>(b.y2)}, B(1)});
  }
  return out;
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
