// Targets of regions from masks at the size that their images had. Beside a target from the mask at the network's size, where a small lesion is a few
// pixels, they have its outline.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/finite.hpp>
#include <dcs/data/batch.hpp>
#include <dcs/detect/region_masks.hpp>

#include <array>

DCS_EXACT_MATH
namespace dcs {

/// Writes the share of each of Base × Base bins of a box that is covered: RoIAlign with ⌈pixels / Base⌉ samples a bin and axis. The box is in pixels
/// of an image of from_height × from_width, inside(y, x) says whether a pixel of the same image at rows × columns is covered. Pixels beyond the
/// image's border are as those at it. Throws dcs::error for a box that is not finite.
template <extent_t Base, class T, class Inside>
void native_crop(T* out, const box<T>& b, extent_t from_height, extent_t from_width, extent_t rows, extent_t columns, const Inside& inside) {
  for (const T corner : std::array<T, 4>{b.x1, b.y1, b.x2, b.y2}) expect(is_finite(corner), "dcs::native_crop: a corner of the box is ", corner);
  // Where the box lies among the pixels of the native image, areas to areas, and the rows or columns around it.
  const auto axis = [](T low, T high, extent_t from, extent_t to) {
    const auto place = [&](T x) { return (static_cast<double>(x) + 0.5) * static_cast<double>(to) / static_cast<double>(from) - 0.5; };
    const auto first = static_cast<extent_t>(std::floor(place(low))) - 1, last = static_cast<extent_t>(std::ceil(place(high))) + 1;
    return std::tuple(first, last - first + 1, static_cast<T>(place(low) - static_cast<double>(first)),
                      static_cast<T>(place(high) - static_cast<double>(first)));
  };
  const auto [top, height, y1, y2] = axis(b.y1, b.y2, from_height, rows);
  const auto [left, width, x1, x2] = axis(b.x1, b.x2, from_width, columns);
  auto window = tensor<T, shape<1, dyn<"height">, dyn<"width">, 1>>::empty({1, height, width, 1});
  T* pixel = window.data();
  for (extent_t y = top; y < top + height; ++y)
    for (extent_t x = left; x < left + width; ++x)
      *pixel++ = inside(std::clamp<extent_t>(y, 0, rows - 1), std::clamp<extent_t>(x, 0, columns - 1)) ? T(1) : T(0);
  const auto crop = roi_align<Base>(window, tensor<T, shape<1, 5>>::from(std::vector<T>{0, x1, y1, x2, y2}), roi_options{1, 0, false});
  std::copy(crop.data(), crop.data() + crop.size(), out);
}

/// The target of each RoI: its crop of the image's native mask where there are native masks, else of the mask, above 0.5.
template <extent_t Base, class T, class R, class D>
tensor<T, shape<extent_of<R, 0>, Base, Base, 1>, D> region_targets(const targets<T, D>& known, const tensor<T, R, D>& rois) {
  if (known.native.empty()) return region_targets<Base>(known.masks, rois);
  const auto where = to<cpu_device>(rois);
  const extent_t count = where.sizes()[0];
  auto crops = tensor<T, shape<extent_of<R, 0>, Base, Base, 1>>::empty({count, Base, Base, 1});
  for (extent_t k = 0; k < count; ++k) {
    const mask& m = known.native[static_cast<std::size_t>(where(k, 0))]->truth;
    native_crop<Base>(crops.data() + k * Base * Base, box<T>{where(k, 1), where(k, 2), where(k, 3), where(k, 4)}, known.masks.sizes()[1],
                      known.masks.sizes()[2], m.height, m.width, [&](extent_t y, extent_t x) { return m.at(y, x) != 0; });
  }
  return to<D>(eval(apply<above_half>(crops)));
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
