// TIFF through libtiff, where dcs::io was configured with it (DCS_TIFF): grey, palette and RGB of 1 to 16 bits, in strips or tiles.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/warning.hpp>
#include <dcs/io/file.hpp>
#include <dcs/io/image_limits.hpp>
#include <dcs/io/stored_samples.hpp>

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include <tiffio.h>

DCS_EXACT_MATH
namespace dcs::io::detail {

// The first page of a TIFF, as rows. A file is held in memory, and libtiff may take no more at a time than the limits allow.
class tiff_reader : public stored_format {
 public:
  /// Throws dcs::error where the file is no TIFF, damaged, beyond the limits, or of a kind that is not read.
  tiff_reader(const std::string& path, const image_limits& limits) : path_(printable(path)), bytes_(read_bytes(path, "dcs::image", most_bytes)) {
    open(limits);
    try {
      read_header(limits);
    } catch (...) {
      TIFFClose(tiff_);
      throw;
    }
  }
  tiff_reader(const tiff_reader&) = delete;
  tiff_reader& operator=(const tiff_reader&) = delete;
  ~tiff_reader() { TIFFClose(tiff_); }

  /// Whether samples are compressed as in a JPEG, so that they are inexact.
  bool lossy() const { return compression_ == COMPRESSION_JPEG; }

  /// f(y, row) for each row from the top.
  template <class F>
  void for_each_row(const F& f) {
    const std::size_t row_bytes = static_cast<std::size_t>(width * channels) * (bits == 16 ? 2 : 1);
    std::vector<std::uint8_t> rows(row_bytes * static_cast<std::size_t>(std::min(band_, height)));
    for (std::int64_t y = 0; y < height; y += band_) {
      const std::int64_t count = std::min(band_, height - y);
      read_band(y, count, rows.data());
      for (std::int64_t k = 0; k < count; ++k) f(y + k, static_cast<const std::uint8_t*>(rows.data()) + static_cast<std::size_t>(k) * row_bytes);
    }
    if (warning_[0] != '\0') warn("TIFF files of which the decoder warns", path_, warning_);
    if (TIFFLastDirectory(tiff_) == 0) warn("TIFF files of several pages, of which the first is read", path_, "has further pages; the first is read");
  }

 private:
  static constexpr std::int64_t most_bytes = std::int64_t{1} << 31;

  static tiff_reader& self(void* p) { return *static_cast<tiff_reader*>(p); }
  [[gnu::format(printf, 4, 0)]] static int on_error(TIFF*, void* p, const char*, const char* format, va_list arguments) {
    if (self(p).error_[0] == '\0') std::vsnprintf(self(p).error_, sizeof error_, format, arguments);
    return 1;
  }
  [[gnu::format(printf, 4, 0)]] static int on_warning(TIFF*, void* p, const char*, const char* format, va_list arguments) {
    if (self(p).warning_[0] == '\0') std::vsnprintf(self(p).warning_, sizeof warning_, format, arguments);
    return 1;
  }
  static tmsize_t on_read(thandle_t h, void* to, tmsize_t bytes) {
    tiff_reader& r = self(h);
    const auto n = std::min(static_cast<std::size_t>(std::max<tmsize_t>(bytes, 0)), r.bytes_.size() - std::min(r.bytes_.size(), r.at_));
    std::memcpy(to, r.bytes_.data() + std::min(r.bytes_.size(), r.at_), n);
    r.at_ += n;
    return static_cast<tmsize_t>(n);
  }
  static toff_t on_seek(thandle_t h, toff_t offset, int from) {
    tiff_reader& r = self(h);
    r.at_ = static_cast<std::size_t>(offset) + (from == SEEK_CUR ? r.at_ : from == SEEK_END ? r.bytes_.size() : 0);
    return r.at_;
  }
  static toff_t on_size(thandle_t h) { return self(h).bytes_.size(); }

  void open(const image_limits& limits) {
    TIFFOpenOptions* options = TIFFOpenOptionsAlloc();
    expect(options != nullptr, "dcs::image: ", path_, ": libtiff cannot be used");
    TIFFOpenOptionsSetErrorHandlerExtR(options, &on_error, this);
    TIFFOpenOptionsSetWarningHandlerExtR(options, &on_warning, this);
    TIFFOpenOptionsSetMaxSingleMemAlloc(options, static_cast<tmsize_t>(std::max<std::int64_t>(limits.pixels, 1 << 20) * 8));
    tiff_ = TIFFClientOpenExt(
        path_.c_str(), "rm", this, &on_read, [](thandle_t, void*, tmsize_t) -> tmsize_t { return -1; }, &on_seek, [](thandle_t) { return 0; },
        &on_size, [](thandle_t, void**, toff_t*) { return 0; }, [](thandle_t, void*, toff_t) {}, options);
    TIFFOpenOptionsFree(options);
    expect(tiff_ != nullptr, "dcs::image: ", path_, ": ", error_);
  }

  std::uint16_t short_tag(std::uint32_t tag) const {
    std::uint16_t value = 0;
    TIFFGetFieldDefaulted(tiff_, tag, &value);
    return value;
  }
  std::int64_t long_tag(std::uint32_t tag) const {
    std::uint32_t value = 0;
    expect(TIFFGetField(tiff_, tag, &value) == 1, "dcs::image: ", path_, ": tag ", tag, " is missing");
    return value;
  }

  // Pixels that a byte can hold at most, by the rules of the compression.
  std::int64_t most_per_byte() const {
    const std::int64_t pixel_bits = bits * channels, in_byte = (8 + pixel_bits - 1) / pixel_bits;  // rounded up: pixels may share a byte
    switch (compression_) {
      case COMPRESSION_CCITTRLE:
      case COMPRESSION_CCITTFAX3:
      case COMPRESSION_CCITTFAX4:
        return 8 * width;  // a row takes a bit at least
      case COMPRESSION_LZW:
        return 4096 * in_byte;  // a code of 9 bits or more stands for at most 4096 bytes
      case COMPRESSION_DEFLATE:
      case COMPRESSION_ADOBE_DEFLATE:
        return 1032 * in_byte;
      case COMPRESSION_PACKBITS:
        return 64 * in_byte;
      case COMPRESSION_JPEG:
        return 8 * 32 * 32;
      case COMPRESSION_NONE:
        return in_byte;
      default:
        fail("dcs::image: ", path_, ": compression ", compression_, "; expected none, LZW, deflate, PackBits, JPEG or that of faxes");
    }
  }

  void read_header(const image_limits& limits) {
    height = long_tag(TIFFTAG_IMAGELENGTH), width = long_tag(TIFFTAG_IMAGEWIDTH);
    bits = short_tag(TIFFTAG_BITSPERSAMPLE), stored_ = channels = short_tag(TIFFTAG_SAMPLESPERPIXEL);
    compression_ = short_tag(TIFFTAG_COMPRESSION);
    expect(height > 0 && width > 0 && stored_ > 0, "dcs::image: ", path_, ": ", height, " × ", width, " pixels of ", stored_, " samples");
    expect(bits == 1 || bits == 2 || bits == 4 || bits == 8 || bits == 16, "dcs::image: ", path_, ": ", bits,
           " bits a sample; expected 1, 2, 4, 8 or 16");
    const int format = short_tag(TIFFTAG_SAMPLEFORMAT);
    expect(format == SAMPLEFORMAT_UINT || format == SAMPLEFORMAT_VOID, "dcs::image: ", path_,
           ": its samples are signed or floating-point numbers; expected whole numbers from 0");
    check_image_size(path_, height, width, static_cast<std::int64_t>(bytes_.size()), most_per_byte(), limits);
    read_colours();
    separate_ = short_tag(TIFFTAG_PLANARCONFIG) == PLANARCONFIG_SEPARATE;
    orientation = short_tag(TIFFTAG_ORIENTATION);
    if (orientation < upright || orientation > last_orientation) orientation = upright;
    tiled_ = TIFFIsTiled(tiff_) != 0;
    piece_width_ = tiled_ ? long_tag(TIFFTAG_TILEWIDTH) : width;
    std::uint32_t rows = 0;
    TIFFGetFieldDefaulted(tiff_, tiled_ ? TIFFTAG_TILELENGTH : TIFFTAG_ROWSPERSTRIP, &rows);
    band_ = tiled_ ? std::int64_t{rows} : std::min(std::int64_t{rows}, height);
    const auto piece = tiled_ ? TIFFTileSize(tiff_) : TIFFStripSize(tiff_), line = tiled_ ? TIFFTileRowSize(tiff_) : TIFFScanlineSize(tiff_);
    const std::int64_t needed = (piece_width_ * (separate_ ? 1 : stored_) * bits + 7) / 8;
    expect(band_ > 0 && piece_width_ > 0 && piece_width_ <= limits.pixels && band_ <= limits.pixels && piece > 0 &&
               piece / 8 <= limits.pixels + 65536 && line >= needed && piece / line >= band_,
           "dcs::image: ", path_, ": its ", tiled_ ? "tiles" : "strips", " of ", band_, " × ", piece_width_, " pixels cannot be read: ", error_);
    piece_.resize(static_cast<std::size_t>(piece));
    line_ = static_cast<std::size_t>(line);
  }

  void read_colours() {
    // Where the tag is missing the default of short_tag, 0, would mean that 0 is white.
    std::uint16_t stated = 0;
    expect(TIFFGetField(tiff_, TIFFTAG_PHOTOMETRIC, &stated) == 1, "dcs::image: ", path_,
           ": it does not say what its samples mean (TIFF's PhotometricInterpretation is missing)");
    int kind = stated;
    if (compression_ == COMPRESSION_JPEG && kind == PHOTOMETRIC_YCBCR) {
      TIFFSetField(tiff_, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
      kind = PHOTOMETRIC_RGB;
    }
    indexed = kind == PHOTOMETRIC_PALETTE, inverted_ = kind == PHOTOMETRIC_MINISWHITE;
    const bool grey = inverted_ || kind == PHOTOMETRIC_MINISBLACK;
    expect(grey || indexed || kind == PHOTOMETRIC_RGB, "dcs::image: ", path_, ": colours of kind ", kind,
           " (TIFF's PhotometricInterpretation); expected grey, RGB or a palette");
    const int colours_stored = kind == PHOTOMETRIC_RGB ? 3 : 1;
    expect(stored_ >= colours_stored, "dcs::image: ", path_, ": ", stored_, " samples a pixel; expected ", colours_stored);
    // A colour that was multiplied by its alpha lies before black already; other further samples are no part of the picture.
    std::uint16_t extra = 0, *kinds = nullptr;
    TIFFGetFieldDefaulted(tiff_, TIFFTAG_EXTRASAMPLES, &extra, &kinds);
    alpha = !indexed && stored_ > colours_stored && extra > 0 && kinds != nullptr && kinds[0] == EXTRASAMPLE_UNASSALPHA;
    channels = colours_stored + (alpha ? 1 : 0);
    palette_alpha.fill(255);
    if (!indexed) return;
    expect(bits <= 8, "dcs::image: ", path_, ": a palette of ", bits, " bits; expected at most 8");
    std::uint16_t *red = nullptr, *green = nullptr, *blue = nullptr;
    expect(TIFFGetField(tiff_, TIFFTAG_COLORMAP, &red, &green, &blue) == 1, "dcs::image: ", path_, ": its palette is missing");
    for (std::size_t k = 0; k < std::size_t{1} << bits; ++k)
      palette[k] = {static_cast<std::uint8_t>(red[k] >> 8), static_cast<std::uint8_t>(green[k] >> 8), static_cast<std::uint8_t>(blue[k] >> 8)};
  }

  // Rows y to y + count into `rows`, channels innermost, from the strips or tiles that they lie in.
  void read_band(std::int64_t y, std::int64_t count, std::uint8_t* rows) {
    for (int plane = 0; plane < (separate_ ? channels : 1); ++plane)
      for (std::int64_t x = 0; x < width; x += piece_width_) {
        const auto row = static_cast<std::uint32_t>(y), column = static_cast<std::uint32_t>(x);
        const auto sample_plane = static_cast<std::uint16_t>(plane);
        const tmsize_t n = tiled_ ? TIFFReadTile(tiff_, piece_.data(), column, row, 0, sample_plane)
                                  : TIFFReadEncodedStrip(tiff_, TIFFComputeStrip(tiff_, row, sample_plane), piece_.data(), -1);
        if (n < static_cast<tmsize_t>(line_) * count)
          fail("dcs::image: ", path_, ": ", error_[0] != '\0' ? error_ : "the file ends before its pixels do");
        for (std::int64_t k = 0; k < count; ++k) copy_line(piece_.data() + static_cast<std::size_t>(k) * line_, rows, k, x, plane);
      }
  }
  // One line of a strip or tile: samples unpacked, white where the file's 0 is white, those beyond colour and alpha left out.
  void copy_line(const std::uint8_t* line, std::uint8_t* rows, std::int64_t row, std::int64_t x0, int plane) const {
    const std::int64_t count = std::min(piece_width_, width - x0), apart = separate_ ? 1 : stored_;
    for (std::int64_t x = 0; x < count; ++x)
      for (int c = 0; c < (separate_ ? 1 : channels); ++c) {
        int value = sample_of(line, x * apart + c);
        const int channel = separate_ ? plane : c;
        if (inverted_ && channel < colours()) value = most() - value;
        const auto at = static_cast<std::size_t>((row * width + x0 + x) * channels + channel);
        if (bits == 16)
          rows[2 * at] = static_cast<std::uint8_t>(value >> 8), rows[2 * at + 1] = static_cast<std::uint8_t>(value & 255);
        else
          rows[at] = static_cast<std::uint8_t>(value);
      }
  }
  // libtiff gives 16 bits in the machine's order, and fewer than 8 packed from the high bit on.
  int sample_of(const std::uint8_t* line, std::int64_t i) const {
    if (bits == 16) {
      std::uint16_t value = 0;
      std::memcpy(&value, line + 2 * i, 2);
      return value;
    }
    const std::int64_t bit = i * bits;
    return line[bit / 8] >> (8 - bits - bit % 8) & most();
  }

  std::string path_, bytes_;
  std::size_t at_ = 0, line_ = 0;
  TIFF* tiff_ = nullptr;
  int stored_ = 0, compression_ = 0;  // samples of a pixel in the file
  bool separate_ = false, tiled_ = false, inverted_ = false;
  std::int64_t piece_width_ = 0, band_ = 0;  // of a strip or tile: its width, its rows
  std::vector<std::uint8_t> piece_;
  char error_[256] = {}, warning_[256] = {};
};

inline image read_tiff(const std::string& path, const image_limits& limits) {
  tiff_reader r(path, limits);
  return image_of(r, path);
}
// A reader of a mask, whose values must be exact.
inline void expect_exact(const tiff_reader& r, const std::string& path) {
  expect(!r.lossy(), "dcs::mask: ", printable(path), ": a TIFF with JPEG's compression, whose values are inexact; expected a lossless one");
}
inline mask read_tiff_mask(const std::string& path, const image_limits& limits) {
  tiff_reader r(path, limits);
  expect_exact(r, path);
  return mask_of(r, path);
}
inline label_map read_tiff_labels(const std::string& path, const image_limits& limits) {
  tiff_reader r(path, limits);
  expect_exact(r, path);
  return labels_of(r, path);
}
inline stored_values read_tiff_values(const std::string& path, const image_limits& limits) {
  tiff_reader r(path, limits);
  expect_exact(r, path);
  return values_of(r);
}

}  // namespace dcs::io::detail

#include <dcs/core/header_end.inl>
