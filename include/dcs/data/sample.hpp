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

/// A mask at the size that its image had. `objects`: the number of each pixel's object; of a sample empty where objects are the mask's connected
/// components, of a batch k + 1 for the object of the image's box k and 0 for none.
struct native_mask {
  mask truth{};
  label_map objects{};
  bool empty() const { return truth.pixels.empty(); }
  /// Whether arrays have the sizes that are stated, and the numbers are of as many rows and columns as the mask.
  bool is_consistent() const {
    const auto pixels = static_cast<std::size_t>(truth.height * truth.width);
    return truth.pixels.size() == pixels &&
           (objects.empty() || (objects.height == truth.height && objects.width == truth.width && objects.pixels.size() == pixels));
  }
};

/// An image at the network's size with its mask, and the size it had.
struct sample {
  std::string name;
  float_image pixels;
  mask truth;
  std::int64_t native_height = 0, native_width = 0;
  label_map objects{};                     // where the set says which pixels are one object; empty: objects are the mask's connected components
  std::optional<pixel_spacing> spacing{};  // of the image as it is shown, at the size it had, in mm, where known
  native_mask native{};                    // where the set keeps it: objects and what is learned of them are then found in it, not in `truth`
};

/// The spacing of a sample's pixels at the network's size: the image covers the same millimetres with other pixels.
inline std::optional<pixel_spacing> spacing_of_pixels(const sample& s) {
  if (!s.spacing || s.pixels.height == 0 || s.pixels.width == 0) return {};
  return pixel_spacing{s.spacing->rows * static_cast<double>(s.native_height) / static_cast<double>(s.pixels.height),
                       s.spacing->columns * static_cast<double>(s.native_width) / static_cast<double>(s.pixels.width)};
}

/// Boxes of a sample's objects at the network's size, of at least smallest_object pixels. `labels`, where it is not null, has a number for each
/// pixel, all 0: those of the object of box k become k + 1.
template <class T>
std::vector<box<float>> labelled_objects(const sample& s, T* labels) {
  return s.objects.empty() ? labelled_objects(s.truth, labels) : labelled_objects(s.objects, labels);
}
/// Boxes of a native mask's objects of at least smallest_object pixels of its own, in pixels of the same image at height × width: the middles of an
/// object's outermost pixels as they lie there, areas to areas, and object_margin pixels more per side, clipped. `numbers`, where it is not null,
/// becomes a map of the mask's size with k + 1 at the pixels of the object of box k. Throws dcs::error where mask and objects differ in size.
inline std::vector<box<float>> native_objects(const native_mask& m, std::int64_t height, std::int64_t width, label_map* numbers = nullptr) {
  const std::int64_t rows = m.truth.height, columns = m.truth.width;
  expect(m.is_consistent(), "dcs::native_objects: a mask of ", rows, " × ", columns, " with objects of ", m.objects.height, " × ", m.objects.width,
         "; expected one size");
  if (numbers) *numbers = {rows, columns, std::vector<std::int32_t>(m.truth.pixels.size(), 0)};
  std::int32_t* labels = numbers ? numbers->pixels.data() : nullptr;
  auto boxes = m.objects.empty() ? labelled_objects(m.truth, labels, smallest_object, 0) : labelled_objects(m.objects, labels, smallest_object, 0);
  const auto place = [](float x, std::int64_t from, std::int64_t to, std::int64_t more) {
    const double middle = (static_cast<double>(x) + 0.5) * static_cast<double>(to) / static_cast<double>(from) - 0.5;
    return static_cast<float>(std::clamp(middle + static_cast<double>(more), 0.0, static_cast<double>(to)));
  };
  for (auto& b : boxes)
    b = {place(b.x1, columns, width, -object_margin), place(b.y1, rows, height, -object_margin), place(b.x2, columns, width, object_margin),
         place(b.y2, rows, height, object_margin)};
  return boxes;
}
/// Boxes of a sample's objects in pixels of the network's size, from the native mask where the sample has it.
inline std::vector<box<float>> object_boxes(const sample& s) {
  return s.native.empty() ? labelled_objects<float>(s, nullptr) : native_objects(s.native, s.pixels.height, s.pixels.width);
}
/// Objects of a sample with fewer than smallest_object pixels, of the native mask's where the sample has it.
inline std::int64_t objects_without_box(const sample& s) {
  const mask& truth = s.native.empty() ? s.truth : s.native.truth;
  const label_map& objects = s.native.empty() ? s.objects : s.native.objects;
  return objects.empty() ? objects_without_box(truth) : objects_without_box(objects);
}

/// The concept of a data set: a size, and samples by index.
template <class D>
concept dataset = requires(const D& d, std::int64_t i) {
  { d.size() } -> std::convertible_to<std::int64_t>;
  { d.load(i) } -> std::same_as<sample>;
};

}  // namespace dcs

#include <dcs/core/header_end.inl>
