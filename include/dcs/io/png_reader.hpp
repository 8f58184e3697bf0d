// A PNG row by row, through libpng: its header, palette and samples as they are stored.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/warning.hpp>
#include <dcs/io/file.hpp>
#include <dcs/io/image_limits.hpp>
#include <dcs/io/stored_samples.hpp>

#include <algorithm>
#include <exception>
#include <vector>

#include <png.h>

#include <csetjmp>

DCS_EXACT_MATH
namespace dcs::io::detail {

// A PNG, row by row. libpng leaves a function by longjmp when an error occurs, so the functions that call it have no local objects with destructors.
class png_reader : public stored_format {
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
#if defined(PNG_eXIf_SUPPORTED)
      png_set_keep_unknown_chunks(handle_.png, PNG_HANDLE_CHUNK_AS_DEFAULT, reinterpret_cast<png_const_bytep>("eXIf"), 1);
#endif
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
    step([this] { png_read_end(handle_.png, handle_.info); });
    read_orientation();
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
    bits = png_get_bit_depth(handle_.png, handle_.info), channels = png_get_channels(handle_.png, handle_.info);
    const int type = png_get_color_type(handle_.png, handle_.info);
    alpha = (type & PNG_COLOR_MASK_ALPHA) != 0, indexed = type == PNG_COLOR_TYPE_PALETTE;
    png_colorp colours_of = nullptr;
    int count = 0;
    if (indexed && png_get_PLTE(handle_.png, handle_.info, &colours_of, &count) != 0)
      for (int k = 0; k < std::min(count, 256); ++k)
        palette[static_cast<std::size_t>(k)] = {colours_of[k].red, colours_of[k].green, colours_of[k].blue};
    palette_alpha.fill(255);
    png_bytep clear = nullptr;
    png_color_16p value = nullptr;
    if (png_get_tRNS(handle_.png, handle_.info, &clear, &count, &value) == 0) return;
    if (indexed)
      std::copy(clear, clear + std::min(count, 256), palette_alpha.begin());
    else
      has_clear_colour = true, clear_colour = {colours() == 1 ? value->gray : value->red, value->green, value->blue};
  }
  // eXIf stands before the pixels or behind them.
  void read_orientation() {
#if defined(PNG_eXIf_SUPPORTED)
    png_uint_32 bytes = 0;
    png_bytep block = nullptr;
    if (png_get_eXIf_1(handle_.png, handle_.info, &bytes, &block) != 0) orientation = exif_orientation({reinterpret_cast<const char*>(block), bytes});
#endif
  }

  std::string path_;
  input_file file_;
  pointers handle_;
  int passes_ = 1;
  std::size_t row_bytes_ = 0;
  std::exception_ptr failure_;
  char error_[256] = {}, warning_[256] = {};
};

}  // namespace dcs::io::detail

#include <dcs/core/header_end.inl>
