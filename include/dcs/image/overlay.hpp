// A picture of a prediction: contours of truth (green) and prediction (red), boxes (yellow), and an inset that enlarges the lesion.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/image/boundary.hpp>

DCS_EXACT_MATH
namespace dcs {

namespace detail {
struct rgb {
  std::uint8_t r, g, b;
};
inline void put_pixel(image& i, std::int64_t y, std::int64_t x, rgb c) {
  if (y < 0 || x < 0 || y >= i.height || x >= i.width) return;
  auto* p = i.pixels.data() + (y * i.width + x) * 3;
  p[0] = c.r, p[1] = c.g, p[2] = c.b;
}
inline void frame(image& i, std::int64_t y1, std::int64_t x1, std::int64_t y2, std::int64_t x2, rgb c) {
  for (std::int64_t x = x1; x <= x2; ++x) put_pixel(i, y1, x, c), put_pixel(i, y2, x, c);
  for (std::int64_t y = y1; y <= y2; ++y) put_pixel(i, y, x1, c), put_pixel(i, y, x2, c);
}
}  // namespace detail

/// The boxes of detections, for a picture of them.
inline std::vector<box<float>> boxes_of(const std::vector<detection<float>>& detections) {
  std::vector<box<float>> boxes;
  for (const auto& d : detections) boxes.push_back(d.box);
  return boxes;
}

/// An RGB picture of an image (values 0..255) with its truth (may be empty) and prediction, twice as large; the inset shows the object's
/// surroundings.
inline image draw_overlay(const float_image& pixels, const mask& truth, const mask& prediction, const std::vector<box<float>>& boxes) {
  constexpr std::int64_t zoom = 2;
  constexpr detail::rgb green{0, 220, 0}, red{255, 40, 40}, yellow{255, 220, 0}, white{255, 255, 255};
  const std::int64_t h = pixels.height, w = pixels.width;
  auto grey = [&](std::int64_t y, std::int64_t x, std::int64_t c) { return static_cast<std::uint8_t>(std::clamp(pixels.at(y, x, c), 0.0f, 255.0f)); };
  // A region of the image, `scale` output pixels per pixel, with contours one output pixel wide.
  auto draw = [&](std::int64_t y0, std::int64_t x0, std::int64_t rows, std::int64_t columns, std::int64_t scale) {
    image out{rows * scale, columns * scale, 3, std::vector<std::uint8_t>(static_cast<std::size_t>(rows * columns * scale * scale * 3))};
    for (std::int64_t y = 0; y < out.height; ++y)
      for (std::int64_t x = 0; x < out.width; ++x)
        detail::put_pixel(
            out, y, x, {grey(y0 + y / scale, x0 + x / scale, 0), grey(y0 + y / scale, x0 + x / scale, 1), grey(y0 + y / scale, x0 + x / scale, 2)});
    auto contour = [&](const mask& m, detail::rgb c) {
      if (m.pixels.empty()) return;
      auto inside = [&](std::int64_t y, std::int64_t x) { return y >= 0 && x >= 0 && y < h && x < w && m.at(y, x) != 0; };
      for (std::int64_t y = 0; y < rows; ++y)
        for (std::int64_t x = 0; x < columns; ++x) {
          if (!inside(y0 + y, x0 + x)) continue;
          for (std::int64_t k = 0; k < scale; ++k) {
            if (!inside(y0 + y - 1, x0 + x)) detail::put_pixel(out, y * scale, x * scale + k, c);
            if (!inside(y0 + y + 1, x0 + x)) detail::put_pixel(out, (y + 1) * scale - 1, x * scale + k, c);
            if (!inside(y0 + y, x0 + x - 1)) detail::put_pixel(out, y * scale + k, x * scale, c);
            if (!inside(y0 + y, x0 + x + 1)) detail::put_pixel(out, y * scale + k, (x + 1) * scale - 1, c);
          }
        }
    };
    contour(truth, green);
    contour(prediction, red);
    return out;
  };
  image out = draw(0, 0, h, w, zoom);
  for (const auto& b : boxes)
    detail::frame(out, static_cast<std::int64_t>(b.y1 * zoom), static_cast<std::int64_t>(b.x1 * zoom), static_cast<std::int64_t>(b.y2 * zoom),
                  static_cast<std::int64_t>(b.x2 * zoom), yellow);

  const mask& object = !truth.pixels.empty() && truth.count() > 0 ? truth : prediction;
  std::int64_t y1 = h, x1 = w, y2 = -1, x2 = -1;
  for (std::int64_t y = 0; y < h; ++y)
    for (std::int64_t x = 0; x < w; ++x)
      if (!object.pixels.empty() && object.at(y, x)) y1 = std::min(y1, y), y2 = std::max(y2, y), x1 = std::min(x1, x), x2 = std::max(x2, x);
  if (y2 < 0) return out;
  const std::int64_t side = std::min({std::max({y2 - y1 + 1, x2 - x1 + 1, std::int64_t{8}}) + 8, h, w});
  const std::int64_t scale = std::max<std::int64_t>(1, out.height * 2 / 5 / side);
  if (scale <= zoom) return out;
  const std::int64_t cy = std::clamp<std::int64_t>((y1 + y2) / 2 - side / 2, 0, h - side),
                     cx = std::clamp<std::int64_t>((x1 + x2) / 2 - side / 2, 0, w - side);
  const image inset = draw(cy, cx, side, side, scale);
  // In the corner furthest from the object.
  const std::int64_t oy = (y1 + y2) / 2 < h / 2 ? out.height - inset.height - 2 : 2, ox = (x1 + x2) / 2 < w / 2 ? out.width - inset.width - 2 : 2;
  for (std::int64_t y = 0; y < inset.height; ++y)
    for (std::int64_t x = 0; x < inset.width; ++x) {
      const auto* p = inset.pixels.data() + (y * inset.width + x) * 3;
      detail::put_pixel(out, oy + y, ox + x, {p[0], p[1], p[2]});
    }
  detail::frame(out, oy - 1, ox - 1, oy + inset.height, ox + inset.width, white);
  return out;
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
