// Images as programs hold them: 8-bit pixels from files, float planes for arithmetic, binary masks.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/error.hpp>

#include <algorithm>
#include <cstdint>
#include <vector>

DCS_EXACT_MATH
namespace dcs {

/// Flags in image::stored of what a file stores for a pixel, as its 8-bit value does not show whether the stored sample is 0.
enum stored_pixel : std::uint8_t {
  stored_sample = 1,   ///< a sample of grey or colour, or the index into the palette, is not 0
  stored_opaque = 2,   ///< it has no alpha, or one that is not 0
  stored_colour = 4,   ///< the colour that is shown, without regard to alpha, is not black
  stored_varying = 8,  ///< its alpha is not the first pixel's
};

/// 8-bit pixels, rows from the top, channels (1 or 3) innermost.
struct image {
  std::int64_t height = 0, width = 0, channels = 1;
  std::vector<std::uint8_t> pixels = {};
  /// For to_mask: stored_pixel's bits per pixel, from files with transparency, a palette or 16 bits a sample. Empty: the pixels are what was stored.
  std::vector<std::uint8_t> stored = {};
};

/// Float pixels in 0..255, channels innermost.
struct float_image {
  std::int64_t height = 0, width = 0, channels = 1;
  std::vector<float> pixels;
  float& at(std::int64_t y, std::int64_t x, std::int64_t c) { return pixels[static_cast<std::size_t>((y * width + x) * channels + c)]; }
  float at(std::int64_t y, std::int64_t x, std::int64_t c) const { return pixels[static_cast<std::size_t>((y * width + x) * channels + c)]; }
};

/// A binary mask: 0 or 1 per pixel.
struct mask {
  std::int64_t height = 0, width = 0;
  std::vector<std::uint8_t> pixels;
  std::uint8_t& at(std::int64_t y, std::int64_t x) { return pixels[static_cast<std::size_t>(y * width + x)]; }
  std::uint8_t at(std::int64_t y, std::int64_t x) const { return pixels[static_cast<std::size_t>(y * width + x)]; }
  std::int64_t count() const {
    std::int64_t n = 0;
    for (auto p : pixels) n += p;
    return n;
  }
};

/// Three channels of floats; grey repeats.
inline float_image to_float(const image& i) {
  float_image f{i.height, i.width, 3, std::vector<float>(static_cast<std::size_t>(i.height * i.width * 3))};
  for (std::int64_t p = 0; p < i.height * i.width; ++p)
    for (std::int64_t c = 0; c < 3; ++c)
      f.pixels[static_cast<std::size_t>(p * 3 + c)] =
          static_cast<float>(i.pixels[static_cast<std::size_t>(p * i.channels + (i.channels == 3 ? c : 0))]);
  return f;
}

namespace detail {

// Turns stored_pixel's bits into a mask of 0 and 1; returns the reason why it cannot, or nullptr. A pixel is lesion if its stored sample is not 0.
// Files that can be interpreted in two ways are refused instead of guessing:
// - a palette whose index 0 has a colour while another index is black: either may be the background;
// - colour under full transparency: it was drawn, or hidden.
// Where all colours are 0 and only alpha differs, the lesion is what is not transparent.
inline const char* foreground_of_stored(std::vector<std::uint8_t>& stored) {
  std::uint8_t any = 0;
  bool clear = false, hidden_colour = false, colour_at_0 = false, black_label = false;
  for (const std::uint8_t s : stored) {
    any |= s;
    const bool sample = (s & stored_sample) != 0, opaque = (s & stored_opaque) != 0, colour = (s & stored_colour) != 0;
    clear |= !opaque, hidden_colour |= sample && !opaque, colour_at_0 |= colour && !sample, black_label |= sample && !colour;
  }
  if (colour_at_0 && black_label) return "index 0 of its palette has a colour and another index is black: either may be the background";
  const bool cut_out = clear && (any & stored_opaque) != 0, labelled = (any & stored_sample) != 0;
  if (cut_out && hidden_colour) return "pixels that are not 0 are fully transparent and others are not: its colours and its transparency contradict";
  if (!labelled && !cut_out && (any & stored_varying) != 0) return "all of its samples are 0 and only its transparency differs, nowhere fully";
  const std::uint8_t bit = labelled || !cut_out ? stored_sample : stored_opaque;
  for (std::uint8_t& s : stored) s = (s & bit) != 0;
  return nullptr;
}

// Whether a mask has no pixel above the threshold and yet is not black. A single grey level near black everywhere counts as black, as coarse
// quantisation of a JPEG produces it.
inline bool only_below(const std::vector<std::uint8_t>& pixels, int threshold) {
  if (threshold <= 0 || pixels.empty()) return false;
  const auto [low, high] = std::minmax_element(pixels.begin(), pixels.end());
  return *high <= threshold && *high > 0 && (*low != *high || *high > 16);
}

}  // namespace detail

/// Foreground of a mask image: pixels with any channel above `threshold` (0 for lossless files, 127 for JPEG), since labels are often drawn in
/// colour. With threshold 0 the file's stored samples decide: a label of 1 in 16 bits, one under transparency, or an index of a palette that is not 0
/// is foreground. io::read_mask does the same without the image. Throws dcs::error where a file's colours, palette and transparency contradict each
/// other, and where an image has foreground, but all of it is below the threshold.
inline mask to_mask(const image& i, int threshold) {
  mask m{i.height, i.width, {}};
  if (threshold == 0 && !i.stored.empty()) {
    m.pixels = i.stored;
    if (const char* reason = detail::foreground_of_stored(m.pixels)) fail("dcs::to_mask: ", reason);
    return m;
  }
  expect(!detail::only_below(i.pixels, threshold), "dcs::to_mask: no sample is above ", threshold, ", but not all are black");
  m.pixels.resize(static_cast<std::size_t>(i.height * i.width));
  for (std::size_t p = 0; p < i.pixels.size(); ++p) m.pixels[p / static_cast<std::size_t>(i.channels)] |= i.pixels[p] > threshold;
  return m;
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
