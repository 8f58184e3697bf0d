// PNG through libpng. Samples are read as they are stored: gamma, colour profiles and the like are ignored.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/warning.hpp>
#include <dcs/image/pixels.hpp>
#include <dcs/io/file.hpp>
#include <dcs/io/image_limits.hpp>

#include <array>
#include <cstring>
#include <exception>
#include <memory>
#include <vector>

#include <png.h>

#include <csetjmp>

DCS_EXACT_MATH
namespace dcs::io::detail {

// A PNG, row by row. libpng leaves a function by longjmp when an error occurs, so the functions that call it have no local objects with destructors.
class png_reader {
 public:
  /// Reads what comes before the pixels. Throws dcs::error where the file is no PNG, damaged, or beyond the limits.
  png_reader(const std::string& path, const image_limits& limits) : path_(printable(path)), file_(path, "dcs::image") {
    handle_.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, this, &on_error, &on_warning);
    expect(handle_.png != nullptr, "dcs::image: ", path_, ": libpng cannot be used");
    step([this] {
      handle_.info = png_create_info_struct(handle_.png);
      if (handle_.info == nullptr) png_error(handle_.png, "out of memory");
      png_set_user_limits(handle_.png, 0x7fffffff, 0x7fffffff);
      png_set_keep_unknown_chunks(handle_.png, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);  // all but palette, transparency and pixels
      png_set_read_fn(handle_.png, this, &on_read);
      png_read_info(handle_.png, handle_.info);
    });
    read_header();
    // deflate makes at least one byte of 1032, and a byte holds at most eight pixels.
    check_image_size(path_, height, width, file_.size(), std::int64_t{1032} * 8 / (bits * channels), limits);
    step([this] {
      if (bits < 8) png_set_packing(handle_.png);
      passes_ = png_set_interlace_handling(handle_.png);
      png_read_update_info(handle_.png, handle_.info);
      row_bytes_ = png_get_rowbytes(handle_.png, handle_.info);
    });
  }
  png_reader(const png_reader&) = delete;
  png_reader& operator=(const png_reader&) = delete;

  std::int64_t height = 0, width = 0;
  int bits = 0, type = 0, channels = 0;  // bits of a sample in the file; type: PNG_COLOR_TYPE_…; channels with alpha
  std::array<png_color, 256> palette{};  // black beyond the file's own
  std::array<png_byte, 256> palette_alpha{};
  bool has_clear_colour = false;  // one value of grey or colour is transparent
  png_color_16 clear_colour{};

  bool has_alpha() const { return (type & PNG_COLOR_MASK_ALPHA) != 0; }
  bool has_palette() const { return type == PNG_COLOR_TYPE_PALETTE; }
  int colours() const { return channels - (has_alpha() ? 1 : 0); }
  /// The largest sample of this many bits.
  int most() const { return (1 << bits) - 1; }
  /// Sample number `i` of a row, an index where there is a palette.
  int sample(const png_byte* row, std::int64_t i) const { return bits == 16 ? row[2 * i] << 8 | row[2 * i + 1] : row[i]; }

  /// f(y, row) for each row from the top; then the rest of the file is checked.
  template <class F>
  void for_each_row(const F& f) {
    std::vector<png_byte> rows(row_bytes_ * (passes_ > 1 ? static_cast<std::size_t>(height) : 1));
    for (int pass = 1; pass < passes_; ++pass)  // all but the last, which completes what is seen
      for (std::int64_t y = 0; y < height; ++y) read_row(rows.data() + static_cast<std::size_t>(y) * row_bytes_);
    for (std::int64_t y = 0; y < height; ++y) {
      png_byte* row = rows.data() + (passes_ > 1 ? static_cast<std::size_t>(y) * row_bytes_ : 0);
      read_row(row);
      f(y, static_cast<const png_byte*>(row));
    }
    step([this] { png_read_end(handle_.png, nullptr); });
    if (warning_[0] != '\0') warn("PNG files of which the decoder warns", path_, warning_);
  }

 private:
  struct pointers {
    png_structp png = nullptr;
    png_infop info = nullptr;
    pointers() = default;
    pointers(const pointers&) = delete;
    ~pointers() {
      if (png) png_destroy_read_struct(&png, &info, nullptr);
    }
  };

  static png_reader& self(png_structp p) { return *static_cast<png_reader*>(png_get_error_ptr(p)); }
  static void on_error(png_structp p, png_const_charp text) {
    std::snprintf(self(p).error_, sizeof error_, "%s", text);
    png_longjmp(p, 1);
  }
  static void on_warning(png_structp p, png_const_charp text) {
    if (self(p).warning_[0] == '\0') std::snprintf(self(p).warning_, sizeof warning_, "%s", text);
  }
  static void on_read(png_structp p, png_bytep to, std::size_t bytes) {
    if (!self(p).read(to, bytes)) png_error(p, "the file is cut off");
  }
  // No exception passes through libpng.
  bool read(png_bytep to, std::size_t bytes) {
    try {
      return file_.read_some(to, static_cast<std::int64_t>(bytes)) == static_cast<std::int64_t>(bytes);
    } catch (...) {
      failure_ = std::current_exception();
      return false;
    }
  }
  template <class F>
  bool runs(const F& f) {
    if (setjmp(png_jmpbuf(handle_.png))) return false;
    f();
    return true;
  }
  template <class F>
  void step(const F& f) {
    if (runs(f)) return;
    if (failure_) std::rethrow_exception(failure_);
    fail("dcs::image: ", path_, ": ", error_);
  }
  void read_row(png_byte* to) {
    step([this, to] { png_read_row(handle_.png, to, nullptr); });
  }
  void read_header() {
    height = png_get_image_height(handle_.png, handle_.info), width = png_get_image_width(handle_.png, handle_.info);
    bits = png_get_bit_depth(handle_.png, handle_.info), type = png_get_color_type(handle_.png, handle_.info);
    channels = png_get_channels(handle_.png, handle_.info);
    png_colorp colours = nullptr;
    int count = 0;
    if (has_palette() && png_get_PLTE(handle_.png, handle_.info, &colours, &count) != 0)
      std::copy(colours, colours + std::min(count, 256), palette.begin());
    palette_alpha.fill(255);
    png_bytep alpha = nullptr;
    png_color_16p value = nullptr;
    if (png_get_tRNS(handle_.png, handle_.info, &alpha, &count, &value) == 0) return;
    if (has_palette())
      std::copy(alpha, alpha + std::min(count, 256), palette_alpha.begin());
    else
      has_clear_colour = true, clear_colour = *value;
  }

  std::string path_;
  input_file file_;
  pointers handle_;
  int passes_ = 1;
  std::size_t row_bytes_ = 0;
  std::exception_ptr failure_;
  char error_[256] = {}, warning_[256] = {};
};

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
