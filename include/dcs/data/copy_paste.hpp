// Copy-paste (Ghiasi et al., "Simple Copy-Paste is a strong data augmentation method for instance segmentation", CVPR 2021): a lesion of one training
// image is pasted into tissue of another that has none there. Everything is a function of a random stream, as in augment.hpp.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/philox.hpp>
#include <dcs/data/sample.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

DCS_EXACT_MATH
namespace dcs {

namespace detail {

/// A lesion that is cut out: its pixels, and a border of `border` pixels in which it fades out.
struct cut_lesion {
  static constexpr std::int64_t border = 3;
  std::int64_t top = 0, left = 0, height = 0, width = 0;  // in the donor, with the border
  std::vector<float> opacity;                             // 1 on the lesion, falling over the border to 0
  double brightness = 0;                                  // mean of the donor around the lesion, 0 to 255
};

inline double mean_of_channels(const float_image& i, std::int64_t y, std::int64_t x) {
  return (static_cast<double>(i.at(y, x, 0)) + static_cast<double>(i.at(y, x, 1)) + static_cast<double>(i.at(y, x, 2))) / 3;
}

// Cuts object `number` of `labels` out; nothing where it and its border do not lie within the image.
inline std::optional<cut_lesion> cut_out(const sample& donor, const std::vector<std::int32_t>& labels, std::int32_t number) {
  constexpr std::int64_t b = cut_lesion::border;
  const std::int64_t h = donor.truth.height, w = donor.truth.width;
  const auto is_lesion = [&](std::int64_t y, std::int64_t x) { return labels[static_cast<std::size_t>(y * w + x)] == number; };
  std::int64_t y1 = h, x1 = w, y2 = -1, x2 = -1;
  for (std::int64_t y = 0; y < h; ++y)
    for (std::int64_t x = 0; x < w; ++x)
      if (is_lesion(y, x)) y1 = std::min(y1, y), x1 = std::min(x1, x), y2 = std::max(y2, y), x2 = std::max(x2, x);
  if (y2 < 0 || y1 < b || x1 < b || y2 + b >= h || x2 + b >= w) return std::nullopt;
  cut_lesion cut{y1 - b, x1 - b, y2 - y1 + 1 + 2 * b, x2 - x1 + 1 + 2 * b, {}, 0};
  double around = 0;
  std::int64_t count = 0;
  for (std::int64_t y = cut.top; y < cut.top + cut.height; ++y)
    for (std::int64_t x = cut.left; x < cut.left + cut.width; ++x) {
      double nearest = static_cast<double>(b) + 1;  // distance to the lesion
      for (std::int64_t v = std::max(y - b, y1); v <= std::min(y + b, y2); ++v)
        for (std::int64_t u = std::max(x - b, x1); u <= std::min(x + b, x2); ++u)
          if (is_lesion(v, u)) nearest = std::min(nearest, std::sqrt(static_cast<double>((v - y) * (v - y) + (u - x) * (u - x))));
      // Another lesion beside this one stays behind.
      if (donor.truth.at(y, x) != 0 && nearest > 0) nearest = static_cast<double>(b) + 1;
      cut.opacity.push_back(static_cast<float>(std::max(0.0, 1 - nearest / (static_cast<double>(b) + 1))));
      if (donor.truth.at(y, x) == 0) around += mean_of_channels(donor.pixels, y, x), ++count;
    }
  cut.brightness = count > 0 ? around / static_cast<double>(count) : 0;
  return cut;
}

// Whether a lesion can lie at (top, left) of an image: none is there, nor at its border, and what is there is about as bright as what was around it.
inline bool fits(const sample& s, const cut_lesion& cut, std::int64_t top, std::int64_t left) {
  constexpr double most_difference = 32;  // of 255; keeps lesions out of the background and of other kinds of tissue
  double sum = 0;
  for (std::int64_t y = top; y < top + cut.height; ++y)
    for (std::int64_t x = left; x < left + cut.width; ++x) {
      if (s.truth.at(y, x) != 0) return false;
      sum += mean_of_channels(s.pixels, y, x);
    }
  return std::abs(sum / static_cast<double>(cut.height * cut.width) - cut.brightness) <= most_difference;
}

}  // namespace detail

/// Pastes one lesion of `donor`, drawn with equal chances, into `s`, both of one size: at a place drawn among those where neither the lesion nor its
/// border of 3 pixels covers a lesion, and where the mean of the pixels is within 32 (of 255) of that around the lesion in the donor. Pixels become
/// (1 − t) · s + t · donor with t = max(0, 1 − d / 4), d the distance to the lesion in pixels; the lesion itself (t = 1) joins the mask, and the
/// objects as one more where the sample has them. Returns whether it was pasted: not where the lesion touches the image's border, or 30 places that
/// were drawn do not fit.
inline bool copy_paste(sample& s, const sample& donor, random_stream r) {
  expect(s.truth.height == donor.truth.height && s.truth.width == donor.truth.width, "dcs::copy_paste: ", donor.name, " is ", donor.truth.height,
         " × ", donor.truth.width, ", ", s.name, " ", s.truth.height, " × ", s.truth.width, "; expected images of one size");
  std::vector<std::int32_t> labels(donor.truth.pixels.size(), 0);
  const std::size_t lesions = labelled_objects(donor, labels.data()).size();
  if (lesions == 0) return false;
  const auto cut = detail::cut_out(donor, labels, static_cast<std::int32_t>(1 + r.below(0, static_cast<std::uint32_t>(lesions))));
  if (!cut) return false;
  const auto down = static_cast<std::uint32_t>(s.truth.height - cut->height + 1), across = static_cast<std::uint32_t>(s.truth.width - cut->width + 1);
  constexpr std::uint64_t tries = 30;
  for (std::uint64_t k = 0; k < tries; ++k) {
    const std::int64_t top = r.below(1 + 2 * k, down), left = r.below(2 + 2 * k, across);
    if (!detail::fits(s, *cut, top, left)) continue;
    const std::int32_t number = s.objects.objects() + 1;
    for (std::int64_t y = 0; y < cut->height; ++y)
      for (std::int64_t x = 0; x < cut->width; ++x) {
        const float t = cut->opacity[static_cast<std::size_t>(y * cut->width + x)];
        for (std::int64_t c = 0; c < 3; ++c) {
          float& to = s.pixels.at(top + y, left + x, c);
          to = t == 1 ? donor.pixels.at(cut->top + y, cut->left + x, c) : (1 - t) * to + t * donor.pixels.at(cut->top + y, cut->left + x, c);
        }
        if (t != 1) continue;
        s.truth.at(top + y, left + x) = 1;
        if (!s.objects.empty()) s.objects.at(top + y, left + x) = number;
      }
    return true;
  }
  return false;
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
