// From samples as a lossless file stores them to images, masks and label maps. A reader of a format is a stored_format with rows: PNG's
// (png_reader.hpp) and TIFF's (tiff.hpp) share what is made of them here.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/warning.hpp>
#include <dcs/image/labels.hpp>
#include <dcs/image/pixels.hpp>
#include <dcs/io/exif.hpp>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string>
#include <vector>

DCS_EXACT_MATH
namespace dcs::io {

/// What the pixels of a mask's file hold.
struct stored_values {
  std::set<std::int64_t> grey;  ///< values of grey (channels that agree count as grey), or indices into the palette
  std::int64_t colours = 0;     ///< how many other colours there are
  int most = 255;               ///< the largest value that the file's bits can hold
  bool many = false;            ///< more than 65535 besides 0: the rest was not counted
};

namespace detail {

// How a file stores pixels. A row has `channels` samples a pixel: a byte each for up to 8 bits, two for 16, the high one first.
struct stored_format {
  std::int64_t height = 0, width = 0;
  int bits = 0, channels = 0;  // channels with alpha
  bool alpha = false, indexed = false;
  std::array<std::array<std::uint8_t, 3>, 256> palette{};  // black beyond the file's own
  std::array<std::uint8_t, 256> palette_alpha{};
  bool has_clear_colour = false;  // one value of grey or colour is transparent
  std::array<int, 3> clear_colour{};
  int orientation = upright;  // known when all rows have been read

  int colours() const { return channels - (alpha ? 1 : 0); }
  bool in_colour() const { return indexed || colours() == 3; }
  // The largest sample of this many bits.
  int most() const { return (1 << bits) - 1; }
  // Sample number `i` of a row, an index where there is a palette.
  int sample(const std::uint8_t* row, std::int64_t i) const { return bits == 16 ? row[2 * i] << 8 | row[2 * i + 1] : row[i]; }
};

// stored_pixel's bits of a pixel. The transparency of a palette's entries, or of one colour, concerns how labels are shown and not which pixels are
// labelled.
class stored_pixels {
 public:
  explicit stored_pixels(const stored_format& f) : format_(f) {}
  std::uint8_t operator()(const std::uint8_t* row, std::int64_t x) {
    int bits = stored_opaque;
    if (format_.indexed) {
      const std::uint8_t index = row[x];
      const auto& c = format_.palette[index];
      bits |= (index != 0 ? stored_sample : 0) | ((c[0] | c[1] | c[2]) != 0 ? stored_colour : 0);
      return static_cast<std::uint8_t>(bits);
    }
    const std::int64_t first = x * format_.channels;
    for (int c = 0; c < format_.colours(); ++c)
      if (format_.sample(row, first + c) != 0) bits |= stored_sample | stored_colour;
    if (!format_.alpha) return static_cast<std::uint8_t>(bits);
    const int alpha = format_.sample(row, first + format_.colours());
    if (first_alpha_ < 0) first_alpha_ = alpha;
    if (alpha == 0) bits &= ~stored_opaque;
    if (alpha != first_alpha_) bits |= stored_varying;
    return static_cast<std::uint8_t>(bits);
  }

 private:
  const stored_format& format_;
  int first_alpha_ = -1;
};

// Colours of a pixel as they are shown, blended with black where it is transparent: 0 to 255, or to 65535 with 16 bits a sample.
inline void shown_pixel(const stored_format& f, const std::uint8_t* row, std::int64_t x, int* out) {
  if (f.indexed) {
    const auto& colour = f.palette[row[x]];
    const int alpha = f.palette_alpha[row[x]];
    for (std::size_t k = 0; k < 3; ++k) out[k] = (colour[k] * alpha + 127) / 255;
    return;
  }
  const std::int64_t first = x * f.channels;
  for (int k = 0; k < f.colours(); ++k) out[k] = f.sample(row, first + k);
  if (f.has_clear_colour && std::equal(out, out + f.colours(), f.clear_colour.begin())) std::fill(out, out + f.colours(), 0);
  if (f.alpha) {
    const std::int64_t alpha = f.sample(row, first + f.colours()), most = f.most();
    for (int k = 0; k < f.colours(); ++k) out[k] = static_cast<int>((out[k] * alpha + most / 2) / most);
  }
  if (f.bits < 8)
    for (int k = 0; k < f.colours(); ++k) out[k] = out[k] * 255 / f.most();
}

// 16-bit samples as 8 bits: the file's smallest becomes 0 and its largest 255. Scanners fill 12 of the 16 bits, or a part of the range far from 0.
inline std::vector<std::uint8_t> windowed(const std::vector<std::uint16_t>& samples, const std::string& path) {
  const auto [least, greatest] = std::minmax_element(samples.begin(), samples.end());
  const int low = *least, range = *greatest - low;
  std::vector<std::uint8_t> out(samples.size());
  for (std::size_t i = 0; i < samples.size(); ++i)
    out[i] = static_cast<std::uint8_t>(range == 0 ? low / 257 : ((samples[i] - low) * 255 + range / 2) / range);
  if (range != 0 && (low != 0 || range != 65535))
    warn("images of 16 bits a sample are read with their smallest sample as 0 and their largest as 255", path,
         "16 bits a sample: " + std::to_string(low) + " is read as 0, " + std::to_string(*greatest) + " as 255");
  return out;
}

// The image that a reader's rows show.
template <class Reader>
image image_of(Reader& r, const std::string& path) {
  const int channels = r.in_colour() ? 3 : 1;
  image out{r.height, r.width, channels};
  const auto pixels = static_cast<std::size_t>(r.height * r.width);
  std::vector<std::uint16_t> wide;
  if (r.bits == 16)
    wide.reserve(pixels * static_cast<std::size_t>(channels));
  else
    out.pixels.reserve(pixels * static_cast<std::size_t>(channels));
  const bool keep = r.indexed || r.alpha || r.has_clear_colour || r.bits == 16;
  if (keep) out.stored.reserve(pixels);
  stored_pixels stored(r);
  r.for_each_row([&](std::int64_t, const std::uint8_t* row) {
    for (std::int64_t x = 0; x < r.width; ++x) {
      int colour[3] = {};
      shown_pixel(r, row, x, colour);
      for (int k = 0; k < channels; ++k)
        if (r.bits == 16)
          wide.push_back(static_cast<std::uint16_t>(colour[k]));
        else
          out.pixels.push_back(static_cast<std::uint8_t>(colour[k]));
      if (keep) out.stored.push_back(stored(row, x));
    }
  });
  if (r.bits == 16) out.pixels = windowed(wide, path);
  return shown_upright(std::move(out), r.orientation, path);
}

// The mask that a reader's rows store, without an image of its colours.
template <class Reader>
mask mask_of(Reader& r, const std::string& path) {
  mask out{r.height, r.width, {}};
  out.pixels.reserve(static_cast<std::size_t>(r.height * r.width));
  stored_pixels stored(r);
  r.for_each_row([&](std::int64_t, const std::uint8_t* row) {
    for (std::int64_t x = 0; x < r.width; ++x) out.pixels.push_back(stored(row, x));
  });
  if (const char* reason = dcs::detail::foreground_of_stored(out.pixels))
    fail("dcs::mask: ", printable(path), ": ", reason, "; expected a mask in grey, 0 where there is no lesion");
  return shown_upright(std::move(out), r.orientation, path);
}

// The most objects that the values of a mask may number: more are the colours of a photograph.
inline constexpr std::size_t most_labels = 65535;

// A pixel's value, of which the value 0 is background: grey, an index, or a colour; alpha is no part of it.
inline std::uint64_t stored_value(const stored_format& f, const std::uint8_t* row, std::int64_t x) {
  std::uint64_t value = 0;
  for (int c = 0; c < f.colours(); ++c) value = value << 16 | static_cast<std::uint64_t>(f.sample(row, x * f.channels + c));
  return value;
}

// The objects that a reader's values number, in the order of their first pixels.
template <class Reader>
label_map labels_of(Reader& r, const std::string& path) {
  label_map out{r.height, r.width};
  out.pixels.reserve(static_cast<std::size_t>(r.height * r.width));
  std::map<std::uint64_t, std::int32_t> numbers{{0, 0}};
  r.for_each_row([&](std::int64_t, const std::uint8_t* row) {
    for (std::int64_t x = 0; x < r.width; ++x) {
      out.pixels.push_back(numbers.try_emplace(stored_value(r, row, x), static_cast<std::int32_t>(numbers.size())).first->second);
      expect(numbers.size() <= most_labels + 1, "dcs::labels: ", printable(path), ": more than ", most_labels,
             " values; expected the numbers of objects");
    }
  });
  return shown_upright(std::move(out), r.orientation, path);
}

// The values that a reader's rows hold.
template <class Reader>
stored_values values_of(Reader& r) {
  std::set<std::uint64_t> seen;
  std::uint64_t last = 0;
  seen.insert(last);
  bool has_zero = false;
  r.for_each_row([&](std::int64_t, const std::uint8_t* row) {
    for (std::int64_t x = 0; x < r.width; ++x) {
      const std::uint64_t v = stored_value(r, row, x);
      has_zero |= v == 0;
      if (v == last) continue;  // neighbours mostly agree
      last = v;
      if (seen.size() <= most_labels + 1) seen.insert(v);  // 0 is one of them
    }
  });
  stored_values out;
  out.most = r.most(), out.many = seen.size() > most_labels + 1;
  if (!has_zero) seen.erase(0);
  for (const std::uint64_t v : seen) {
    const auto low = static_cast<std::int64_t>(v & 0xFFFF);
    const bool is_grey = r.colours() == 1 || (static_cast<std::int64_t>(v >> 16 & 0xFFFF) == low && static_cast<std::int64_t>(v >> 32) == low);
    if (is_grey)
      out.grey.insert(low);
    else
      ++out.colours;
  }
  return out;
}

}  // namespace detail
}  // namespace dcs::io

#include <dcs/core/header_end.inl>
