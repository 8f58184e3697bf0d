// JPEG through libjpeg-turbo. Damage that the decoder repairs becomes a warning; a file that ends before its pixels is refused.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/warning.hpp>
#include <dcs/image/pixels.hpp>
#include <dcs/io/exif.hpp>
#include <dcs/io/file.hpp>
#include <dcs/io/image_limits.hpp>

#include <cstdio>
#include <string>
#include <string_view>
#include <utility>

#include <jpeglib.h>

#include <jerror.h>

#include <csetjmp>

DCS_EXACT_MATH
namespace dcs::io::detail {

// libjpeg leaves a function by longjmp when an error occurs, so the functions that call it have no local objects with destructors.
class jpeg_reader {
 public:
  jpeg_reader(const std::string& path, const image_limits& limits)
      : path_(printable(path)), limits_(limits), bytes_(read_bytes(path, "dcs::image", most_bytes)) {
    jpeg_.err = jpeg_std_error(&errors_);
    jpeg_.client_data = this;
    errors_.error_exit = [](j_common_ptr c) { self(c).stop(); };
    errors_.emit_message = [](j_common_ptr c, int level) { self(c).on_message(level); };
    errors_.output_message = [](j_common_ptr) {};
    monitor_.progress_monitor = [](j_common_ptr c) { self(c).on_progress(); };
  }
  jpeg_reader(const jpeg_reader&) = delete;
  jpeg_reader& operator=(const jpeg_reader&) = delete;
  ~jpeg_reader() { jpeg_destroy_decompress(&jpeg_); }

  image read() {
    step(&jpeg_reader::begin);
    // A block of 8 × 8 pixels takes a bit at least (libjpeg's sampling factors leave one such block in 32 × 32); arithmetic coding takes less.
    check_image_size(path_, jpeg_.image_height, jpeg_.image_width, static_cast<std::int64_t>(bytes_.size()), jpeg_.arith_code ? 0 : 8 * 32 * 32,
                     limits_);
    step(&jpeg_reader::start);
    image out{jpeg_.output_height, jpeg_.output_width, jpeg_.output_components};
    row_bytes_ = static_cast<std::size_t>(out.width * out.channels);
    out.pixels.resize(static_cast<std::size_t>(out.height) * row_bytes_);
    pixels_ = out.pixels.data();
    step(&jpeg_reader::decode);
    if (warning_[0] != '\0') warn("JPEG files of which the decoder warns", path_, warning_);
    if (out.channels == 4) inks_to_colours(out);
    return shown_upright(std::move(out), orientation_, path_);
  }

 private:
  static constexpr std::int64_t most_bytes = std::int64_t{1} << 31;

  static jpeg_reader& self(j_common_ptr c) { return *static_cast<jpeg_reader*>(c->client_data); }
  j_common_ptr common() { return reinterpret_cast<j_common_ptr>(&jpeg_); }

  [[noreturn]] void stop() {
    errors_.format_message(common(), error_);
    std::longjmp(back_, 1);
  }
  // A file that ends too early: of one scan, once its decoder lacks data (a missing end mark alone lacks none); of several, at once, as a missing
  // scan cannot be told from one that was never there.
  void on_message(int level) {
    if (level >= 0) return;  // no warning
    ended_ |= errors_.msg_code == JWRN_JPEG_EOF, cut_ |= errors_.msg_code == JWRN_HIT_MARKER;
    if (ended_ && (cut_ || several_scans_)) {
      errors_.msg_code = JWRN_JPEG_EOF;
      stop();
    }
    if (warning_[0] == '\0') errors_.format_message(common(), warning_);
  }
  void on_progress() {
    if (jpeg_.input_scan_number <= limits_.scans) return;
    std::snprintf(error_, sizeof error_, "more than %d scans, which no encoder makes (image_limits::scans)", limits_.scans);
    std::longjmp(back_, 1);
  }

  void begin() {
    jpeg_create_decompress(&jpeg_);
    jpeg_.client_data = this;  // creating clears it
    jpeg_.progress = &monitor_;
    jpeg_mem_src(&jpeg_, reinterpret_cast<const unsigned char*>(bytes_.data()), static_cast<unsigned long>(bytes_.size()));
    jpeg_save_markers(&jpeg_, JPEG_APP0 + 1, 0xFFFF);
    jpeg_read_header(&jpeg_, TRUE);
    read_orientation();
    several_scans_ = jpeg_has_multiple_scans(&jpeg_) != FALSE;
    jpeg_.out_color_space = jpeg_.num_components == 1 ? JCS_GRAYSCALE : jpeg_.num_components == 4 ? JCS_CMYK : JCS_RGB;
  }
  void read_orientation() {
    constexpr std::string_view name("Exif\0\0", 6);
    for (auto m = jpeg_.marker_list; m != nullptr; m = m->next) {
      const std::string_view data(reinterpret_cast<const char*>(m->data), m->data_length);
      if (m->marker != JPEG_APP0 + 1 || !data.starts_with(name)) continue;
      orientation_ = exif_orientation(data.substr(name.size()));
      return;
    }
  }
  // Cyan, magenta, yellow and black to red, green and blue: red = (1 - cyan) (1 - black). Files with Adobe's mark, which is all that are met in
  // practice, store inks as 255 minus their amount.
  void inks_to_colours(image& i) const {
    const bool inverted = jpeg_.saw_Adobe_marker != FALSE;
    const auto pixels = static_cast<std::size_t>(i.height * i.width);
    const auto without = [&](std::uint8_t ink) { return inverted ? ink : 255 - ink; };
    for (std::size_t p = 0; p < pixels; ++p) {
      const int light = without(i.pixels[4 * p + 3]);
      for (std::size_t c = 0; c < 3; ++c) i.pixels[3 * p + c] = static_cast<std::uint8_t>((without(i.pixels[4 * p + c]) * light + 127) / 255);
    }
    i.pixels.resize(3 * pixels);
    i.channels = 3;
  }
  void start() { jpeg_start_decompress(&jpeg_); }
  void decode() {
    while (jpeg_.output_scanline < jpeg_.output_height) {
      JSAMPROW row = pixels_ + jpeg_.output_scanline * row_bytes_;
      jpeg_read_scanlines(&jpeg_, &row, 1);
    }
    jpeg_finish_decompress(&jpeg_);
  }
  bool runs(void (jpeg_reader::*f)()) {
    if (setjmp(back_)) return false;
    (this->*f)();
    return true;
  }
  void step(void (jpeg_reader::*f)()) {
    if (!runs(f)) fail("dcs::image: ", path_, ": ", error_);
  }

  std::string path_;
  image_limits limits_;
  std::string bytes_;
  jpeg_decompress_struct jpeg_{};
  jpeg_error_mgr errors_{};
  jpeg_progress_mgr monitor_{};
  std::jmp_buf back_;
  JSAMPLE* pixels_ = nullptr;
  std::size_t row_bytes_ = 0;
  int orientation_ = upright;
  bool ended_ = false, cut_ = false, several_scans_ = false;
  char error_[JMSG_LENGTH_MAX] = {}, warning_[JMSG_LENGTH_MAX] = {};
};

inline image read_jpeg(const std::string& path, const image_limits& limits) { return jpeg_reader(path, limits).read(); }

// Whether a group of touching 8 × 8 blocks has samples of 9 to `threshold` but none above: JPEG smears an edge within its blocks only, so such a
// group is not the edge of a spot above the threshold.
inline bool has_faint_group(const image& i, int threshold) {
  const std::int64_t rows = (i.height + 7) / 8, columns = (i.width + 7) / 8;
  std::vector<std::uint8_t> most(static_cast<std::size_t>(rows * columns), 0);
  for (std::int64_t y = 0; y < i.height; ++y)
    for (std::int64_t x = 0; x < i.width * i.channels; ++x) {
      auto& m = most[static_cast<std::size_t>(y / 8 * columns + x / i.channels / 8)];
      m = std::max(m, i.pixels[static_cast<std::size_t>(y * i.width * i.channels + x)]);
    }
  std::vector<std::int64_t> stack;
  for (std::int64_t start = 0; start < rows * columns; ++start) {
    if (most[static_cast<std::size_t>(start)] <= 8) continue;
    int group = 0;
    stack.assign(1, start);
    group = std::exchange(most[static_cast<std::size_t>(start)], std::uint8_t{0});
    while (!stack.empty()) {
      const std::int64_t p = stack.back(), y = p / columns, x = p % columns;
      stack.pop_back();
      for (std::int64_t v = std::max<std::int64_t>(y - 1, 0); v <= std::min(y + 1, rows - 1); ++v)
        for (std::int64_t u = std::max<std::int64_t>(x - 1, 0); u <= std::min(x + 1, columns - 1); ++u)
          if (auto& m = most[static_cast<std::size_t>(v * columns + u)]; m > 8) {
            group = std::max(group, static_cast<int>(std::exchange(m, std::uint8_t{0})));
            stack.push_back(v * columns + u);
          }
    }
    if (group <= threshold) return true;
  }
  return false;
}

inline mask read_jpeg_mask(const std::string& path, const image_limits& limits) {
  constexpr int threshold = 127;
  const image i = read_jpeg(path, limits);
  if (dcs::detail::only_below(i.pixels, threshold))
    fail("dcs::mask: ", printable(path), ": no sample is above ", threshold, ", but not all are black. In a JPEG lesion is what is above ", threshold,
         "; labels as small as these need a PNG");
  if (has_faint_group(i, threshold))
    warn("JPEG masks with spots that are no lesion, as none of their samples is above 127", path,
         "spots whose samples are all from 9 to 127 are no lesion in a JPEG; labels as small as these need a PNG");
  return to_mask(i, threshold);
}

}  // namespace dcs::io::detail

#include <dcs/core/header_end.inl>
