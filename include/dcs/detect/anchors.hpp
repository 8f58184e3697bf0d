// Anchors: boxes of one scale and three shapes at every position of a level, in the order y, x, shape. Scales and shapes are options; the defaults
// are those of the DCSNet paper and of torchvision.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/finite.hpp>

#include <dcs/detect/boxes.hpp>

#include <array>

DCS_EXACT_MATH
namespace dcs {

inline constexpr int anchor_shapes = 3;

/// The scale of the anchors of each level P2 to P6, the side of a square one in pixels of the image, and their shapes, height over width.
struct anchor_options {
  std::array<double, 5> scales{32, 64, 128, 256, 512};
  std::array<double, anchor_shapes> ratios{0.5, 1, 2};
  friend bool operator==(const anchor_options&, const anchor_options&) = default;

  /// Throws dcs::error for a level that has no scale, and for a scale or ratio that is not above 0.
  double scale_of(std::size_t level) const {
    expect(level < scales.size(), "dcs::anchors: level ", level, " has no scale; expected at most ", scales.size(), " levels");
    expect(scales[level] > 0 && is_finite(scales[level]), "dcs::anchors: the scale of level ", level, " is ", scales[level],
           "; expected pixels, more than 0");
    for (const double r : ratios) expect(r > 0 && is_finite(r), "dcs::anchors: a ratio is ", r, "; expected height over width, more than 0");
    return scales[level];
  }
};

/// Anchors for a set of boxes at the size that a network trains at: the scale of P2 is the lower quartile of the boxes' sides (√area), within 4 to
/// 128 pixels, and each level doubles it, as each level halves the map. Three quarters of the boxes are then no smaller than the smallest square
/// anchor. Without any box, the defaults.
inline anchor_options anchors_for(const std::vector<box<float>>& boxes) {
  anchor_options o;
  if (boxes.empty()) return o;
  std::vector<double> sides;
  for (const auto& b : boxes) sides.push_back(std::sqrt(static_cast<double>(b.width()) * static_cast<double>(b.height())));
  std::sort(sides.begin(), sides.end());
  double scale = std::clamp(std::round(sides[(sides.size() - 1) / 4]), 4.0, 128.0);
  for (double& s : o.scales) s = scale, scale *= 2;
  return o;
}

/// The scales alone, as an option of a network is chosen (nn/options.hpp).
inline std::vector<double> anchor_scales_for(const std::vector<box<float>>& boxes) {
  const anchor_options o = anchors_for(boxes);
  return {o.scales.begin(), o.scales.end()};
}

/// The three anchors of a scale, centred at the origin; corners are rounded half to even.
template <class T>
std::array<box<T>, anchor_shapes> anchor_cell(double scale, const std::array<double, anchor_shapes>& ratios = anchor_options().ratios) {
  std::array<box<T>, anchor_shapes> cell;
  for (std::size_t i = 0; i < cell.size(); ++i) {
    const T root = std::sqrt(static_cast<T>(ratios[i])), w = static_cast<T>(scale) / root, h = static_cast<T>(scale) * root;
    cell[i] = {std::nearbyint(-w / 2), std::nearbyint(-h / 2), std::nearbyint(w / 2), std::nearbyint(h / 2)};
  }
  return cell;
}

/// The anchors of level `level`, centred at the origin, as corners in arrays for kernels.
template <class T>
void write_anchor_cell(const anchor_options& o, std::size_t level, T (&corners)[anchor_shapes][4]) {
  const auto cell = anchor_cell<T>(o.scale_of(level), o.ratios);
  for (std::size_t k = 0; k < cell.size(); ++k)
    corners[k][0] = cell[k].x1, corners[k][1] = cell[k].y1, corners[k][2] = cell[k].x2, corners[k][3] = cell[k].y2;
}

/// Appends the anchors of level `level`, of `height` × `width` positions that are `stride_y` × `stride_x` image pixels apart.
template <class T>
void append_anchors(std::vector<box<T>>& to, const anchor_options& o, std::size_t level, std::int64_t height, std::int64_t width,
                    std::int64_t stride_y, std::int64_t stride_x) {
  const auto cell = anchor_cell<T>(o.scale_of(level), o.ratios);
  for (std::int64_t i = 0; i < height; ++i)
    for (std::int64_t j = 0; j < width; ++j) {
      const T x = static_cast<T>(j * stride_x), y = static_cast<T>(i * stride_y);
      for (const auto& c : cell) to.push_back({c.x1 + x, c.y1 + y, c.x2 + x, c.y2 + y});
    }
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
