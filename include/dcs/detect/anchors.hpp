// Anchors: boxes of one scale and three shapes at every place of a level, in the order y, x, shape.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/detect/boxes.hpp>

#include <array>

DCS_EXACT_MATH
namespace dcs {

inline constexpr int anchor_shapes = 3;

/// The three anchors of a scale about the origin: height over width 0.5, 1, 2; corners rounded half to even.
template <class T>
std::array<box<T>, anchor_shapes> anchor_cell(double scale) {
  std::array<box<T>, anchor_shapes> cell;
  constexpr double ratios[] = {0.5, 1, 2};
  for (std::size_t i = 0; i < cell.size(); ++i) {
    const T root = std::sqrt(static_cast<T>(ratios[i])), w = static_cast<T>(scale) / root, h = static_cast<T>(scale) * root;
    cell[i] = {std::nearbyint(-w / 2), std::nearbyint(-h / 2), std::nearbyint(w / 2), std::nearbyint(h / 2)};
  }
  return cell;
}

/// Appends the anchors of a level of `height` × `width` places, `stride_y` × `stride_x` image pixels apart.
template <class T>
void append_anchors(std::vector<box<T>>& to, double scale, std::int64_t height, std::int64_t width, std::int64_t stride_y, std::int64_t stride_x) {
  const auto cell = anchor_cell<T>(scale);
  for (std::int64_t i = 0; i < height; ++i)
    for (std::int64_t j = 0; j < width; ++j) {
      const T x = static_cast<T>(j * stride_x), y = static_cast<T>(i * stride_y);
      for (const auto& c : cell) to.push_back({c.x1 + x, c.y1 + y, c.x2 + x, c.y2 + y});
    }
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
