// Images and masks in and out: PNG (png.hpp), JPEG (jpeg.hpp) and, where libtiff was found, TIFF (tiff.hpp), told apart by their first bytes.
// Programs that include this link dcs::io.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/compiled.hpp>
#include <dcs/io/jpeg.hpp>
#include <dcs/io/png.hpp>
#if defined(DCS_TIFF)
#include <dcs/io/tiff.hpp>
#endif

#include <string_view>
#include <type_traits>

DCS_EXACT_MATH
namespace dcs::io {

namespace detail {

enum class image_format { none, png, jpeg, tiff };

inline image_format format_of(const std::string& path) {
  unsigned char head[8] = {};
  input_file f(path, "dcs::image");
  const std::int64_t n = f.read_some(head, 8);
  if (n == 8 && png_sig_cmp(head, 0, 8) == 0) return image_format::png;
  if (n >= 2 && head[0] == 0xFF && head[1] == 0xD8) return image_format::jpeg;
  expect(n == 8, "dcs::image: ", printable(path), ": too short for an image");
  const std::string_view first(reinterpret_cast<const char*>(head), 4);
  for (const char* order : {"II*\0", "MM\0*", "II+\0", "MM\0+"})  // the last two: offsets of 64 bits
    if (first == std::string_view(order, 4)) return image_format::tiff;
  return image_format::none;
}

[[noreturn]] inline void refuse_format(const char* who, const std::string& path, image_format format) {
  if (format == image_format::tiff) fail(who, printable(path), ": a TIFF, which is read where dcs is built with libtiff; expected PNG or JPEG");
  fail(who, printable(path), ": neither PNG nor JPEG nor TIFF");
}

// Calls the reader of the file's format: png(), jpeg() or tiff(), which is compiled where dcs is built with libtiff alone. `who` begins messages.
#if defined(DCS_TIFF)
#define DCS_TIFF_READER(call) [&] { return call; }
#else
#define DCS_TIFF_READER(call) nullptr
#endif
template <class Png, class Jpeg, class Tiff>
auto by_format(const char* who, const std::string& path, const Png& png, const Jpeg& jpeg, const Tiff& tiff) {
  const image_format format = format_of(path);
  if (format == image_format::png) return png();
  if (format == image_format::jpeg) return jpeg();
  if constexpr (!std::is_null_pointer_v<Tiff>)
    if (format == image_format::tiff) return tiff();
  refuse_format(who, path, format);
}

}  // namespace detail

/// Whether a file begins as a JPEG does, whatever its name says: its values are then inexact. Throws dcs::error where it cannot be read.
inline bool is_jpeg(const std::string& path) {
  unsigned char head[2] = {};
  input_file f(path, "dcs::image");
  return f.read_some(head, 2) == 2 && head[0] == 0xFF && head[1] == 0xD8;
}

/// Reads a PNG, JPEG or TIFF as 8-bit grey (1 channel) or RGB (3), turned as the orientation in the file says (EXIF; a warning says so).
///
/// Samples of a PNG or TIFF are as stored: gAMA, sRGB, iCCP and cHRM change none. Samples of 1 to 4 bits are spread over 0..255; of 16 bits, the
/// smallest and the largest sample of the file become 0 and 255, and a warning says so unless these are 0 and 65535. Transparent pixels are blended
/// with black. The four inks of a CMYK JPEG become colours. A TIFF of several pages gives the first, with a warning.
///
/// Throws dcs::error, with the file's name and the decoder's own words, for anything else, a damaged file, one that is cut off, one beyond the
/// limits, and what is no regular file. What a decoder mends is read with a warning (core/warning.hpp).
template <class = void>
image read_image(const std::string& path, const image_limits& limits = {}) {
  return detail::by_format(
      "dcs::image: ", path, [&] { return detail::read_png(path, limits); }, [&] { return detail::read_jpeg(path, limits); },
      DCS_TIFF_READER(detail::read_tiff(path, limits)));
}

/// Reads a mask, 1 where there is lesion, turned as its own orientation says.
///
/// PNG and TIFF: lesion is every sample that is not 0 in the file, of any depth from 1 to 16 bits and of any channel; with a palette, every index
/// that is not 0. In a TIFF whose 0 is white (PhotometricInterpretation 0) samples are turned round first, so that black is no lesion there either.
/// Transparency hides no label: it counts only where all colours are 0, and lesion is then what is not fully transparent. JPEG: lesion is what is
/// above 127, as compression smears edges; a warning names files with spots that stay below.
///
/// Throws dcs::error as read_image does, and where a file is ambiguous: index 0 of a palette has a colour while another index in use is black;
/// colours under full transparency beside pixels that are opaque; a JPEG that is not black and nowhere above 127; a TIFF with JPEG's compression.
template <class = void>
mask read_mask(const std::string& path, const image_limits& limits = {}) {
  return detail::by_format(
      "dcs::mask: ", path, [&] { return detail::read_png_mask(path, limits); }, [&] { return detail::read_jpeg_mask(path, limits); },
      DCS_TIFF_READER(detail::read_tiff_mask(path, limits)));
}

/// Reads a mask whose values number its objects: the pixels of one value (of one colour, or one index of a palette) are one object, 0 is none.
/// Objects are renumbered from 1 in the order of their first pixels, rows from the top as they are stored; transparency is ignored. Throws dcs::error
/// as read_mask does, and for a JPEG, whose values are inexact.
template <class = void>
label_map read_labels(const std::string& path, const image_limits& limits = {}) {
  return detail::by_format(
      "dcs::labels: ", path, [&] { return detail::read_png_labels(path, limits); },
      [&]() -> label_map { fail("dcs::labels: ", printable(path), ": the values of a JPEG are inexact and number no objects; expected a PNG"); },
      DCS_TIFF_READER(detail::read_tiff_labels(path, limits)));
}

/// The values that the pixels of a lossless mask hold, as they are stored. Throws dcs::error as read_labels does.
template <class = void>
stored_values read_values(const std::string& path, const image_limits& limits = {}) {
  return detail::by_format(
      "dcs::values: ", path, [&] { return detail::read_png_values(path, limits); },
      [&]() -> stored_values { fail("dcs::values: ", printable(path), ": the values of a JPEG are inexact; expected a PNG"); },
      DCS_TIFF_READER(detail::read_tiff_values(path, limits)));
}

#undef DCS_TIFF_READER

// Templates without a parameter of their own, so that the archive may have them (core/compiled.hpp); it has where libpng and libjpeg are installed.
#define DCS_READER_ENTRIES(declare)                                                         \
  declare image read_image<void>(const std::string& path, const image_limits& limits);      \
  declare mask read_mask<void>(const std::string& path, const image_limits& limits);        \
  declare label_map read_labels<void>(const std::string& path, const image_limits& limits); \
  declare stored_values read_values<void>(const std::string& path, const image_limits& limits);
#if defined(DCS_ARCHIVE) || defined(DCS_COMPILED_READERS)
DCS_ENTRIES_ONCE(DCS_READER_ENTRIES)
#endif

}  // namespace dcs::io

#include <dcs/core/header_end.inl>
