// A contact sheet: many small pictures in one, in rows from the top.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/image/overlay.hpp>

#include <cmath>
#include <vector>

DCS_EXACT_MATH
namespace dcs {

/// An image with its mask's outline (green), its longer side `side` pixels, drawn twice as large with the lesion enlarged in an inset (draw_overlay).
/// An image without lesion has no outline.
inline image contact_picture(const image& pixels, const mask& truth, std::int64_t side) {
  const double scale = static_cast<double>(side) / static_cast<double>(std::max(pixels.height, pixels.width));
  const auto scaled = [&](std::int64_t n) { return std::max<std::int64_t>(1, std::llround(scale * static_cast<double>(n))); };
  const std::int64_t h = scaled(pixels.height), w = scaled(pixels.width);
  return draw_overlay(resize(pixels, h, w), resize(truth, h, w), {}, {});
}

/// RGB pictures side by side in `columns` columns on dark grey, each in the middle of a cell of the largest picture's size; 4 pixels between cells.
/// Throws dcs::error without pictures, and where one is not RGB.
inline image contact_sheet(const std::vector<image>& pictures, std::int64_t columns) {
  constexpr std::int64_t gap = 4;
  expect(!pictures.empty() && columns >= 1, "dcs::contact_sheet: ", pictures.size(), " pictures in ", columns, " columns; expected at least one");
  std::int64_t h = 0, w = 0;
  for (const image& p : pictures) {
    expect(p.channels == 3, "dcs::contact_sheet: a picture has ", p.channels, " channels; expected 3");
    h = std::max(h, p.height), w = std::max(w, p.width);
  }
  const auto count = static_cast<std::int64_t>(pictures.size());
  columns = std::min(columns, count);
  const std::int64_t rows = (count + columns - 1) / columns;
  image sheet{rows * (h + gap) + gap, columns * (w + gap) + gap, 3, {}};
  sheet.pixels.assign(static_cast<std::size_t>(sheet.height * sheet.width * 3), 32);
  for (std::int64_t k = 0; k < count; ++k) {
    const image& p = pictures[static_cast<std::size_t>(k)];
    const std::int64_t top = gap + k / columns * (h + gap) + (h - p.height) / 2, left = gap + k % columns * (w + gap) + (w - p.width) / 2;
    for (std::int64_t y = 0; y < p.height; ++y)
      std::copy_n(p.pixels.begin() + y * p.width * 3, p.width * 3, sheet.pixels.begin() + ((top + y) * sheet.width + left) * 3);
  }
  return sheet;
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
