// Images, masks and label maps as PNG. Samples are read as they are stored: gamma, colour profiles and the like are ignored.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/warning.hpp>
#include <dcs/image/labels.hpp>
#include <dcs/image/pixels.hpp>
#include <dcs/io/png_reader.hpp>

#include <cstring>
#include <map>
#include <vector>

DCS_EXACT_MATH
namespace dcs::io::detail {

// stored_pixel's bits of a pixel. The transparency of a palette's entries, or of one colour, concerns how labels are shown and not which pixels are
// labelled.
class png_stored_pixels {
 public:
  explicit png_stored_pixels(const png_reader& r) : reader_(r) {}
  std::uint8_t operator()(const png_byte* row, std::int64_t x) {
    int bits = stored_opaque;
    if (reader_.has_palette()) {
      const png_byte index = row[x];
      const png_color c = reader_.palette[index];
      bits |= (index != 0 ? stored_sample : 0) | ((c.red | c.green | c.blue) != 0 ? stored_colour : 0);
      return static_cast<std::uint8_t>(bits);
    }
    const std::int64_t first = x * reader_.channels;
    for (int c = 0; c < reader_.colours(); ++c)
      if (reader_.sample(row, first + c) != 0) bits |= stored_sample | stored_colour;
    if (!reader_.has_alpha()) return static_cast<std::uint8_t>(bits);
    const int alpha = reader_.sample(row, first + reader_.colours());
    if (first_alpha_ < 0) first_alpha_ = alpha;
    if (alpha == 0) bits &= ~stored_opaque;
    if (alpha != first_alpha_) bits |= stored_varying;
    return static_cast<std::uint8_t>(bits);
  }

 private:
  const png_reader& reader_;
  int first_alpha_ = -1;
};

// Colours of a pixel as they are shown, blended with black where it is transparent: 0 to 255, or to 65535 with 16 bits a sample.
inline void shown_pixel(const png_reader& r, const png_byte* row, std::int64_t x, int* out) {
  if (r.has_palette()) {
    const png_color c = r.palette[row[x]];
    const int alpha = r.palette_alpha[row[x]], colour[3] = {c.red, c.green, c.blue};
    for (int k = 0; k < 3; ++k) out[k] = (colour[k] * alpha + 127) / 255;
    return;
  }
  const std::int64_t first = x * r.channels;
  for (int k = 0; k < r.colours(); ++k) out[k] = r.sample(row, first + k);
  if (r.has_clear_colour) {
    const int clear[3] = {r.colours() == 1 ? r.clear_colour.gray : r.clear_colour.red, r.clear_colour.green, r.clear_colour.blue};
    if (std::equal(out, out + r.colours(), clear)) std::fill(out, out + r.colours(), 0);
  }
  if (r.has_alpha()) {
    const std::int64_t alpha = r.sample(row, first + r.colours()), most = r.most();
    for (int k = 0; k < r.colours(); ++k) out[k] = static_cast<int>((out[k] * alpha + most / 2) / most);
  }
  if (r.bits < 8)
    for (int k = 0; k < r.colours(); ++k) out[k] = out[k] * 255 / r.most();
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

inline image read_png(const std::string& path, const image_limits& limits) {
  png_reader r(path, limits);
  const int channels = (r.type & PNG_COLOR_MASK_COLOR) != 0 ? 3 : 1;
  image out{r.height, r.width, channels};
  const auto pixels = static_cast<std::size_t>(r.height * r.width);
  std::vector<std::uint16_t> wide;
  if (r.bits == 16)
    wide.reserve(pixels * static_cast<std::size_t>(channels));
  else
    out.pixels.reserve(pixels * static_cast<std::size_t>(channels));
  const bool keep = r.has_palette() || r.has_alpha() || r.has_clear_colour || r.bits == 16;
  if (keep) out.stored.reserve(pixels);
  png_stored_pixels stored(r);
  r.for_each_row([&](std::int64_t, const png_byte* row) {
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
  return out;
}

// The mask that a PNG stores, without an image of its colours.
inline mask read_png_mask(const std::string& path, const image_limits& limits) {
  png_reader r(path, limits);
  mask out{r.height, r.width, {}};
  out.pixels.reserve(static_cast<std::size_t>(r.height * r.width));
  png_stored_pixels stored(r);
  r.for_each_row([&](std::int64_t, const png_byte* row) {
    for (std::int64_t x = 0; x < r.width; ++x) out.pixels.push_back(stored(row, x));
  });
  if (const char* reason = dcs::detail::foreground_of_stored(out.pixels))
    fail("dcs::mask: ", printable(path), ": ", reason, "; expected a mask in grey, 0 where there is no lesion");
  return out;
}

// The most objects that the values of a mask may number: more are the colours of a photograph.
inline constexpr std::size_t most_labels = 65535;

// The objects that a PNG's values number, in the order of their first pixels.
inline label_map read_png_labels(const std::string& path, const image_limits& limits) {
  png_reader r(path, limits);
  label_map out{r.height, r.width};
  out.pixels.reserve(static_cast<std::size_t>(r.height * r.width));
  std::map<std::uint64_t, std::int32_t> numbers{{0, 0}};
  r.for_each_row([&](std::int64_t, const png_byte* row) {
    for (std::int64_t x = 0; x < r.width; ++x) {
      std::uint64_t value = 0;
      for (int c = 0; c < r.colours(); ++c) value = value << 16 | static_cast<std::uint64_t>(r.sample(row, x * r.channels + c));
      out.pixels.push_back(numbers.try_emplace(value, static_cast<std::int32_t>(numbers.size())).first->second);
      expect(numbers.size() <= most_labels + 1, "dcs::labels: ", printable(path), ": more than ", most_labels,
             " values; expected the numbers of objects");
    }
  });
  return out;
}

}  // namespace dcs::io::detail

namespace dcs::io {

/// Writes a grey or RGB image as PNG, whole or not at all.
inline void write_png(const std::string& path, const image& i) {
  expect(i.channels == 1 || i.channels == 3, "dcs::image: cannot write ", i.channels, " channels to ", printable(path), "; expected 1 or 3");
  expect(i.height > 0 && i.width > 0 && static_cast<std::int64_t>(i.pixels.size()) == i.height * i.width * i.channels, "dcs::image: cannot write ",
         i.height, " × ", i.width, " × ", i.channels, " with ", i.pixels.size(), " values to ", printable(path));
  png_image png;
  std::memset(&png, 0, sizeof png);
  png.version = PNG_IMAGE_VERSION;
  png.width = static_cast<png_uint_32>(i.width), png.height = static_cast<png_uint_32>(i.height);
  png.format = i.channels == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY;
  png_alloc_size_t bytes = PNG_IMAGE_PNG_SIZE_MAX(png);
  std::string encoded(bytes, '\0');
  if (png_image_write_to_memory(&png, encoded.data(), &bytes, 0, i.pixels.data(), 0, nullptr) == 0)
    fail("dcs::image: cannot write ", printable(path), ": ", png.message);
  write_bytes(path, "dcs::image", std::string_view(encoded).substr(0, bytes));
}

/// Writes a mask as a grey PNG of 0 and 255, which read_mask reads back. Errors are those of write_png.
inline void write_mask(const std::string& path, const mask& m) {
  image picture{m.height, m.width, 1, m.pixels};
  for (auto& p : picture.pixels) p = p ? 255 : 0;
  write_png(path, picture);
}

}  // namespace dcs::io

#include <dcs/core/header_end.inl>
