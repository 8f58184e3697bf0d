// Images and masks in and out: PNG (png.hpp) and JPEG (jpeg.hpp), told apart by their first bytes. Programs that include this link libpng and
// libjpeg.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/compiled.hpp>
#include <dcs/io/jpeg.hpp>
#include <dcs/io/png.hpp>

DCS_EXACT_MATH
namespace dcs::io {

namespace detail {

enum class image_format { none, png, jpeg };

inline image_format format_of(const std::string& path) {
  unsigned char head[8] = {};
  input_file f(path, "dcs::image");
  const std::int64_t n = f.read_some(head, 8);
  if (n == 8 && png_sig_cmp(head, 0, 8) == 0) return image_format::png;
  if (n >= 2 && head[0] == 0xFF && head[1] == 0xD8) return image_format::jpeg;
  expect(n == 8, "dcs::image: ", printable(path), ": too short for an image");
  return image_format::none;
}

}  // namespace detail

/// Whether a file begins as a JPEG does, whatever its name says: its values are then inexact. Throws dcs::error where it cannot be read.
inline bool is_jpeg(const std::string& path) {
  unsigned char head[2] = {};
  input_file f(path, "dcs::image");
  return f.read_some(head, 2) == 2 && head[0] == 0xFF && head[1] == 0xD8;
}

/// Reads a PNG or JPEG as 8-bit grey (1 channel) or RGB (3).
///
/// A PNG's samples are as stored: gAMA, sRGB, iCCP and cHRM change none. Samples of 1 to 4 bits are spread over 0..255; of 16 bits, the smallest and
/// the largest sample of the file become 0 and 255, and a warning says so unless these are 0 and 65535. Transparent pixels are blended with black.
///
/// Throws dcs::error, with the file's name and the decoder's own words, for anything else, a damaged file, one that is cut off, one beyond the
/// limits, and what is no regular file. What a decoder mends is read with a warning (core/warning.hpp).
template <class = void>
image read_image(const std::string& path, const image_limits& limits = {}) {
  switch (detail::format_of(path)) {
    case detail::image_format::png:
      return detail::read_png(path, limits);
    case detail::image_format::jpeg:
      return detail::read_jpeg(path, limits);
    default:
      fail("dcs::image: ", printable(path), ": neither PNG nor JPEG");
  }
}

/// Reads a mask, 1 where there is lesion.
///
/// PNG: lesion is every sample that is not 0 in the file, of any depth from 1 to 16 bits and of any channel; with a palette, every index that is not
/// 0. Transparency hides no label: it counts only where all colours are 0, and lesion is then what is not fully transparent. JPEG: lesion is what is
/// above 127, as compression smears edges; a warning names files with spots that stay below.
///
/// Throws dcs::error as read_image does, and where a file is ambiguous: index 0 of a palette has a colour while another index in use is black;
/// colours under full transparency beside pixels that are opaque; a JPEG that is not black and nowhere above 127.
template <class = void>
mask read_mask(const std::string& path, const image_limits& limits = {}) {
  switch (detail::format_of(path)) {
    case detail::image_format::png:
      return detail::read_png_mask(path, limits);
    case detail::image_format::jpeg:
      return detail::read_jpeg_mask(path, limits);
    default:
      fail("dcs::mask: ", printable(path), ": neither PNG nor JPEG");
  }
}

/// Reads a mask whose values number its objects: the pixels of one value (of one colour, or one index of a palette) are one object, 0 is none.
/// Objects are renumbered from 1 in the order of their first pixels, rows from the top; transparency is ignored. Throws dcs::error as read_mask does,
/// and for a JPEG, whose values are inexact.
template <class = void>
label_map read_labels(const std::string& path, const image_limits& limits = {}) {
  const auto format = detail::format_of(path);
  expect(format != detail::image_format::jpeg, "dcs::labels: ", printable(path),
         ": the values of a JPEG are inexact and number no objects; expected a PNG");
  expect(format == detail::image_format::png, "dcs::labels: ", printable(path), ": neither PNG nor JPEG");
  return detail::read_png_labels(path, limits);
}

// Templates without a parameter of their own, so that the archive may have them (core/compiled.hpp); it has where libpng and libjpeg are installed.
#define DCS_READER_ENTRIES(declare)                                                    \
  declare image read_image<void>(const std::string& path, const image_limits& limits); \
  declare mask read_mask<void>(const std::string& path, const image_limits& limits);   \
  declare label_map read_labels<void>(const std::string& path, const image_limits& limits);
#if defined(DCS_ARCHIVE) || defined(DCS_COMPILED_READERS)
DCS_ENTRIES_ONCE(DCS_READER_ENTRIES)
#endif

}  // namespace dcs::io

#include <dcs/core/header_end.inl>
