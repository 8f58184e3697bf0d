// A sample, and the concept of a data set. It does not depend on files, so that a network can be trained on data that a program has in memory.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/image/image.hpp>
#include <dcs/image/spacing.hpp>

#include <concepts>
#include <optional>
#include <string>

DCS_EXACT_MATH
namespace dcs {

/// An image at the network's size with its mask, and the size it had.
struct sample {
  std::string name;
  float_image pixels;
  mask truth;
  std::int64_t native_height = 0, native_width = 0;
  label_map objects{};                     // where the set says which pixels are one object; empty: objects are the mask's connected components
  std::optional<pixel_spacing> spacing{};  // of the image as it is shown, at the size it had, in mm, where known
};

/// The spacing of a sample's pixels at the network's size: the image covers the same millimetres with other pixels.
inline std::optional<pixel_spacing> spacing_of_pixels(const sample& s) {
  if (!s.spacing || s.pixels.height == 0 || s.pixels.width == 0) return {};
  return pixel_spacing{s.spacing->rows * static_cast<double>(s.native_height) / static_cast<double>(s.pixels.height),
                       s.spacing->columns * static_cast<double>(s.native_width) / static_cast<double>(s.pixels.width)};
}

/// Boxes of a sample's objects of at least smallest_object pixels. `labels`, where it is not null, has a number for each pixel, all 0: those of the
/// object of box k become k + 1.
template <class T>
std::vector<box<float>> labelled_objects(const sample& s, T* labels) {
  return s.objects.empty() ? labelled_objects(s.truth, labels) : labelled_objects(s.objects, labels);
}
inline std::vector<box<float>> object_boxes(const sample& s) { return labelled_objects<float>(s, nullptr); }
/// Objects of a sample with fewer than smallest_object pixels.
inline std::int64_t objects_without_box(const sample& s) { return s.objects.empty() ? objects_without_box(s.truth) : objects_without_box(s.objects); }

/// The concept of a data set: a size, and samples by index.
template <class D>
concept dataset = requires(const D& d, std::int64_t i) {
  { d.size() } -> std::convertible_to<std::int64_t>;
  { d.load(i) } -> std::same_as<sample>;
};

}  // namespace dcs

#include <dcs/core/header_end.inl>
