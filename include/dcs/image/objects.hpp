// The objects of a mask: its 8-connected components, and their boxes.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/box.hpp>
#include <dcs/image/pixels.hpp>

DCS_EXACT_MATH
namespace dcs {

namespace detail {

// For each 8-connected component, in the order of first pixels: pixel(y, x) for each of its pixels, then end().
template <class Pixel, class End>
void for_each_object(const mask& m, const Pixel& pixel, const End& end) {
  std::vector<std::uint8_t> seen(m.pixels.size(), 0);
  std::vector<std::int64_t> stack;
  for (std::int64_t start = 0; start < m.height * m.width; ++start) {
    if (!m.pixels[static_cast<std::size_t>(start)] || seen[static_cast<std::size_t>(start)]) continue;
    stack.assign(1, start);
    seen[static_cast<std::size_t>(start)] = 1;
    while (!stack.empty()) {
      const std::int64_t p = stack.back(), y = p / m.width, x = p % m.width;
      stack.pop_back();
      pixel(y, x);
      for (std::int64_t v = std::max<std::int64_t>(y - 1, 0); v <= std::min(y + 1, m.height - 1); ++v)
        for (std::int64_t u = std::max<std::int64_t>(x - 1, 0); u <= std::min(x + 1, m.width - 1); ++u) {
          const auto q = static_cast<std::size_t>(v * m.width + u);
          if (m.pixels[q] && !seen[q]) seen[q] = 1, stack.push_back(v * m.width + u);
        }
    }
    end();
  }
}

// The box of an object from its pixels: their inclusive extremes grown by `margin` pixels per side, clipped. Writes `label` at its pixels, where
// there are labels.
template <class T>
box<float> object_box(const std::vector<std::int64_t>& pixels, std::int64_t height, std::int64_t width, std::int64_t margin, T* labels, T label) {
  std::int64_t x1 = width, y1 = height, x2 = -1, y2 = -1;
  for (const std::int64_t p : pixels) {
    const std::int64_t y = p / width, x = p % width;
    x1 = std::min(x1, x), x2 = std::max(x2, x), y1 = std::min(y1, y), y2 = std::max(y2, y);
    if (labels) labels[p] = label;
  }
  return {static_cast<float>(std::max<std::int64_t>(x1 - margin, 0)), static_cast<float>(std::max<std::int64_t>(y1 - margin, 0)),
          static_cast<float>(std::min(x2 + margin, width)), static_cast<float>(std::min(y2 + margin, height))};
}

}  // namespace detail

/// The smallest number of pixels of an object that gets a box.
inline constexpr std::int64_t smallest_object = 4;
/// Pixels that an object's box is larger than the object, on each side.
inline constexpr std::int64_t object_margin = 5;

/// Boxes of the objects of a mask: 8-connected components of at least `smallest` pixels, their inclusive extremes grown by `margin` pixels per side,
/// clipped. `labels`, where it is not null, has a number for each pixel, all 0: those of the object of box k become k + 1.
template <class T>
std::vector<box<float>> labelled_objects(const mask& m, T* labels, std::int64_t smallest = smallest_object, std::int64_t margin = object_margin) {
  std::vector<box<float>> boxes;
  std::vector<std::int64_t> pixels;
  detail::for_each_object(
      m, [&](std::int64_t y, std::int64_t x) { pixels.push_back(y * m.width + x); },
      [&] {
        if (static_cast<std::int64_t>(pixels.size()) >= smallest)
          boxes.push_back(detail::object_box(pixels, m.height, m.width, margin, labels, static_cast<T>(boxes.size() + 1)));
        pixels.clear();
      });
  return boxes;
}
inline std::vector<box<float>> object_boxes(const mask& m, std::int64_t smallest = smallest_object, std::int64_t margin = object_margin) {
  return labelled_objects<float>(m, nullptr, smallest, margin);
}

/// Objects of a mask with fewer than `smallest` pixels: object_boxes makes no box of them.
inline std::int64_t objects_without_box(const mask& m, std::int64_t smallest = smallest_object) {
  std::int64_t count = 0, small = 0;
  detail::for_each_object(
      m, [&](std::int64_t, std::int64_t) { ++count; }, [&] { small += count < smallest, count = 0; });
  return small;
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
