// Images in and out: PNG through libpng and JPEG through libjpeg-turbo, told apart by their first bytes. Whatever is stored (palette, 1 to 16 bits,
// alpha) arrives as 8-bit grey or RGB. Programs that include this link both libraries.
#pragma once

#include <dcs/core/error.hpp>
#include <dcs/image/image.hpp>

#include <cstdio>
#include <cstring>
#include <memory>
#include <string>

#include <jpeglib.h>
#include <png.h>

#include <csetjmp>

namespace dcs::io {

namespace detail {

struct close_file {
  void operator()(std::FILE* f) const { std::fclose(f); }
};
using image_file = std::unique_ptr<std::FILE, close_file>;

inline image_file open_image(const std::string& path, const char* mode) {
  image_file f(std::fopen(path.c_str(), mode));
  expect(f != nullptr, "dcs::image: cannot open ", path);
  return f;
}

inline constexpr std::int64_t most_pixels = std::int64_t{1} << 28;

inline image read_png(const std::string& path) {
  png_image png;
  std::memset(&png, 0, sizeof png);
  png.version = PNG_IMAGE_VERSION;
  expect(png_image_begin_read_from_file(&png, path.c_str()) != 0, "dcs::image: ", path, ": ", png.message);
  // Without this, libpng takes 16-bit files for linear light and brightens them: values are wanted as stored.
  png.flags |= PNG_IMAGE_FLAG_16BIT_sRGB;
  const bool colour = (png.format & PNG_FORMAT_FLAG_COLOR) != 0;
  png.format = colour ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY;
  image out;
  out.width = png.width, out.height = png.height, out.channels = colour ? 3 : 1;
  if (out.width * out.height > most_pixels) {
    png_image_free(&png);
    fail("dcs::image: ", path, ": ", out.width, " × ", out.height, " pixels are more than can be read");
  }
  out.pixels.resize(static_cast<std::size_t>(out.width * out.height * out.channels));
  const png_color black{0, 0, 0};
  if (png_image_finish_read(&png, &black, out.pixels.data(), 0, nullptr) == 0) {
    const std::string message = png.message;
    png_image_free(&png);
    fail("dcs::image: ", path, ": ", message);
  }
  return out;
}

struct jpeg_failure {
  jpeg_error_mgr base;
  std::jmp_buf back;
  char message[JMSG_LENGTH_MAX];
};

inline void jpeg_stop(j_common_ptr c) {
  auto* f = reinterpret_cast<jpeg_failure*>(c->err);
  c->err->format_message(c, f->message);
  std::longjmp(f->back, 1);
}

// Nothing with a destructor is created between setjmp and longjmp. The caller destroys `jpeg`, so that an exception here leaks nothing.
inline bool decode_jpeg(std::FILE* file, image& out, jpeg_decompress_struct& jpeg, jpeg_failure& failure) {
  jpeg.err = jpeg_std_error(&failure.base);
  failure.base.error_exit = &jpeg_stop;
  failure.base.output_message = [](j_common_ptr) {};
  failure.message[0] = '\0';
  if (setjmp(failure.back)) return false;
  jpeg_create_decompress(&jpeg);
  jpeg_stdio_src(&jpeg, file);
  jpeg_read_header(&jpeg, TRUE);
  if (static_cast<std::int64_t>(jpeg.image_width) * jpeg.image_height > most_pixels) {
    std::snprintf(failure.message, sizeof failure.message, "%u × %u pixels are more than can be read", jpeg.image_width, jpeg.image_height);
    return false;
  }
  jpeg.out_color_space = jpeg.num_components == 1 ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_start_decompress(&jpeg);
  out.width = jpeg.output_width, out.height = jpeg.output_height, out.channels = jpeg.output_components;
  out.pixels.resize(static_cast<std::size_t>(out.width * out.height * out.channels));
  while (jpeg.output_scanline < jpeg.output_height) {
    JSAMPROW row = out.pixels.data() + static_cast<std::size_t>(jpeg.output_scanline) * static_cast<std::size_t>(out.width * out.channels);
    jpeg_read_scanlines(&jpeg, &row, 1);
  }
  const bool whole = failure.base.num_warnings == 0;
  if (!whole) failure.base.format_message(reinterpret_cast<j_common_ptr>(&jpeg), failure.message);
  jpeg_finish_decompress(&jpeg);
  return whole;
}

inline image read_jpeg(const std::string& path) {
  const auto f = open_image(path, "rb");
  image out;
  jpeg_failure failure;
  struct decoder : jpeg_decompress_struct {
    decoder() : jpeg_decompress_struct{} {}
    ~decoder() { jpeg_destroy_decompress(this); }
  } jpeg;
  expect(decode_jpeg(f.get(), out, jpeg, failure), "dcs::image: ", path, ": ", failure.message);
  return out;
}

}  // namespace detail

/// Whether a file begins as a JPEG does, whatever its name says: its values are then inexact.
inline bool is_jpeg(const std::string& path) {
  unsigned char head[2] = {};
  const auto f = detail::open_image(path, "rb");
  return std::fread(head, 1, 2, f.get()) == 2 && head[0] == 0xFF && head[1] == 0xD8;
}

/// Reads a PNG or JPEG as 8-bit grey (1 channel) or RGB (3). Throws dcs::error with the file's name for anything else, and for a damaged file.
inline image read_image(const std::string& path) {
  unsigned char head[8] = {};
  {
    const auto f = detail::open_image(path, "rb");
    expect(std::fread(head, 1, 8, f.get()) == 8, "dcs::image: ", path, ": too short for an image");
  }
  if (png_sig_cmp(head, 0, 8) == 0) return detail::read_png(path);
  if (head[0] == 0xFF && head[1] == 0xD8) return detail::read_jpeg(path);
  fail("dcs::image: ", path, ": neither PNG nor JPEG");
}

/// Writes a grey or RGB image as PNG: to PATH.partial first, then renamed, so that a failure leaves the old file whole.
inline void write_png(const std::string& path, const image& i) {
  expect(i.channels == 1 || i.channels == 3, "dcs::image: cannot write ", i.channels, " channels to ", path, "; expected 1 or 3");
  expect(i.height > 0 && i.width > 0 && static_cast<std::int64_t>(i.pixels.size()) == i.height * i.width * i.channels, "dcs::image: cannot write ",
         i.height, " × ", i.width, " × ", i.channels, " with ", i.pixels.size(), " values to ", path);
  png_image png;
  std::memset(&png, 0, sizeof png);
  png.version = PNG_IMAGE_VERSION;
  png.width = static_cast<png_uint_32>(i.width), png.height = static_cast<png_uint_32>(i.height);
  png.format = i.channels == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY;
  const std::string partial = path + ".partial";
  if (png_image_write_to_file(&png, partial.c_str(), 0, i.pixels.data(), 0, nullptr) == 0) {
    std::remove(partial.c_str());
    fail("dcs::image: cannot write ", path, ": ", png.message);
  }
  if (std::rename(partial.c_str(), path.c_str()) != 0) {
    std::remove(partial.c_str());
    fail("dcs::image: cannot write ", path);
  }
}

}  // namespace dcs::io
