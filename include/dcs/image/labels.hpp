// Label maps, in which every object has a number of its own, so that objects that touch stay apart: at another size, their foreground, their boxes.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/image/objects.hpp>
#include <dcs/image/resize.hpp>

#include <cstdint>
#include <utility>
#include <vector>

DCS_EXACT_MATH
namespace dcs {

/// The object that each pixel belongs to: 1 to the number of objects, 0 for none. The pixels of an object need not touch.
struct label_map {
  std::int64_t height = 0, width = 0;
  std::vector<std::int32_t> pixels{};
  std::int32_t& at(std::int64_t y, std::int64_t x) { return pixels[static_cast<std::size_t>(y * width + x)]; }
  std::int32_t at(std::int64_t y, std::int64_t x) const { return pixels[static_cast<std::size_t>(y * width + x)]; }
  bool empty() const { return pixels.empty(); }
  /// The largest number of an object.
  std::int32_t objects() const { return pixels.empty() ? 0 : std::max(0, *std::max_element(pixels.begin(), pixels.end())); }
};

/// Every pixel that belongs to an object.
inline mask foreground(const label_map& m) {
  mask out{m.height, m.width, std::vector<std::uint8_t>(m.pixels.size())};
  for (std::size_t i = 0; i < m.pixels.size(); ++i) out.pixels[i] = m.pixels[i] != 0;
  return out;
}

/// The 8-connected components of a mask, numbered from 1 in the order of their first pixels.
inline label_map connected_components(const mask& m) {
  label_map labels{m.height, m.width, std::vector<std::int32_t>(m.pixels.size(), 0)};
  labelled_objects(m, labels.pixels.data(), 1);
  return labels;
}

namespace detail {

// The pixel that each object covers most, and how much of it, in pixels; the first of equals.
struct most_covered {
  float share = 0;
  std::size_t pixel = 0;
};

// The object that covers most of each pixel of the result, the lower number of equals.
inline label_map covering_labels(const label_map& in, std::int64_t height, std::int64_t width, std::vector<most_covered>& most) {
  const auto across = antialiased(in.width, width), down = antialiased(in.height, height);
  label_map out{height, width, std::vector<std::int32_t>(static_cast<std::size_t>(height * width), 0)};
  std::vector<std::pair<std::int32_t, float>> shares;
  for (std::int64_t v = 0; v < height; ++v)
    for (std::int64_t u = 0; u < width; ++u) {
      const auto &rows = down[static_cast<std::size_t>(v)], &columns = across[static_cast<std::size_t>(u)];
      shares.clear();
      for (std::int64_t y = rows.first; y < rows.end(); ++y)
        for (std::int64_t x = columns.first; x < columns.end(); ++x) {
          const std::int32_t label = in.at(y, x);
          if (label == 0) continue;
          const float share = rows.weight[static_cast<std::size_t>(y - rows.first)] * columns.weight[static_cast<std::size_t>(x - columns.first)];
          const auto found = std::find_if(shares.begin(), shares.end(), [&](const auto& s) { return s.first == label; });
          if (found == shares.end())
            shares.emplace_back(label, share);
          else
            found->second += share;
        }
      const auto pixel = static_cast<std::size_t>(v * width + u);
      float largest = 0;
      for (const auto& [label, share] : shares) {
        if (auto& m = most[static_cast<std::size_t>(label)]; share > m.share) m = {share, pixel};
        if (share > largest || (share == largest && label < out.pixels[pixel])) largest = share, out.pixels[pixel] = label;
      }
    }
  return out;
}

}  // namespace detail

/// A label map at another size. Its foreground is that of the mask at this size (image/resize.hpp), and a pixel belongs to the object that covers
/// most of it. An object that would vanish keeps the pixel that it covers most, unless that is all that another object has.
inline label_map resize(const label_map& in, std::int64_t height, std::int64_t width) {
  if (in.height == height && in.width == width) return in;
  const mask kept = resize(foreground(in), height, width);
  const auto objects = static_cast<std::size_t>(in.objects());
  std::vector<detail::most_covered> most(objects + 1);
  label_map out = detail::covering_labels(in, height, width, most);
  std::vector<std::int64_t> pixels(objects + 1, 0);
  for (std::size_t i = 0; i < out.pixels.size(); ++i) {
    if (!kept.pixels[i]) out.pixels[i] = 0;
    ++pixels[static_cast<std::size_t>(out.pixels[i])];
  }
  for (std::size_t k = 1; k <= objects; ++k) {
    if (pixels[k] > 0 || most[k].share == 0) continue;
    std::int32_t& label = out.pixels[most[k].pixel];
    if (label != 0 && pixels[static_cast<std::size_t>(label)] == 1) continue;
    --pixels[static_cast<std::size_t>(label)], ++pixels[k];
    label = static_cast<std::int32_t>(k);
  }
  return out;
}

/// Boxes of the objects of a label map, in the order of their numbers: of at least `smallest` pixels, margins and `labels` as for a mask.
template <class T>
std::vector<box<float>> labelled_objects(const label_map& m, T* labels, std::int64_t smallest = smallest_object,
                                         std::int64_t margin = object_margin) {
  std::vector<std::vector<std::int64_t>> pixels(static_cast<std::size_t>(m.objects()) + 1);
  for (std::int64_t p = 0; p < m.height * m.width; ++p)
    if (const std::int32_t k = m.pixels[static_cast<std::size_t>(p)]; k > 0) pixels[static_cast<std::size_t>(k)].push_back(p);
  std::vector<box<float>> boxes;
  for (const auto& object : pixels)
    if (!object.empty() && static_cast<std::int64_t>(object.size()) >= smallest)
      boxes.push_back(detail::object_box(object, m.height, m.width, margin, labels, static_cast<T>(boxes.size() + 1)));
  return boxes;
}
inline std::vector<box<float>> object_boxes(const label_map& m, std::int64_t smallest = smallest_object, std::int64_t margin = object_margin) {
  return labelled_objects<float>(m, nullptr, smallest, margin);
}

/// Objects of a label map with fewer than `smallest` pixels.
inline std::int64_t objects_without_box(const label_map& m, std::int64_t smallest = smallest_object) {
  std::vector<std::int64_t> count(static_cast<std::size_t>(m.objects()) + 1, 0);
  for (const std::int32_t k : m.pixels) ++count[static_cast<std::size_t>(k)];
  return std::count_if(count.begin() + 1, count.end(), [&](std::int64_t n) { return n > 0 && n < smallest; });
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
