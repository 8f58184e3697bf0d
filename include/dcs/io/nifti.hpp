// NIfTI-1 volumes in one file, .nii or .nii.gz (nifti.nimh.nih.gov, "nifti1.h"): medical images of three axes with the size of their voxels.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/finite.hpp>
#include <dcs/io/file.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include <zlib.h>

DCS_EXACT_MATH
namespace dcs::io {

/// A volume: value (i, j, k) at i + extents[0] · (j + extents[1] · k), scaled as its header says; axis a has voxels of spacing[a] millimetres (0
/// where it is not known).
struct volume {
  std::array<std::int64_t, 3> extents{};
  std::array<double, 3> spacing{};
  std::vector<float> values{};
  std::int64_t index(std::int64_t i, std::int64_t j, std::int64_t k) const { return i + extents[0] * (j + extents[1] * k); }
  float at(std::int64_t i, std::int64_t j, std::int64_t k) const { return values[static_cast<std::size_t>(index(i, j, k))]; }
};

/// A value as f32; what is no finite f32 (NaN, infinities, numbers beyond its range) becomes 0.
inline float finite_float(double value) {
  return is_finite(value) && std::abs(value) <= static_cast<double>(std::numeric_limits<float>::max()) ? static_cast<float>(value) : 0.0f;
}

/// What a NIfTI's header says of its voxels.
struct nifti_header {
  std::array<std::int64_t, 3> extents{};
  std::array<double, 3> spacing{};
  int type = 0;             // NIfTI's number of the element type
  std::int64_t bytes = 0;   // of an element
  std::int64_t offset = 0;  // of the first voxel in the file
  double slope = 1, inter = 0;
  bool swapped = false;  // the other byte order than this machine's
};

namespace detail {

// A number of the header at a byte, in the file's order.
template <class T>
T header_number(std::string_view bytes, std::size_t at, bool swapped) {
  char raw[sizeof(T)];
  std::memcpy(raw, bytes.data() + at, sizeof(T));
  if (swapped) std::reverse(raw, raw + sizeof(T));
  T value;
  std::memcpy(&value, raw, sizeof(T));
  return value;
}

inline std::int64_t bytes_of_nifti_type(int type) {
  switch (type) {
    case 2:    // uint8
    case 256:  // int8
      return 1;
    case 4:    // int16
    case 512:  // uint16
      return 2;
    case 8:    // int32
    case 16:   // float32
    case 768:  // uint32
      return 4;
    case 64:    // float64
    case 1024:  // int64
    case 1280:  // uint64
      return 8;
    default:
      return 0;
  }
}

// Element number `i`, a number of this machine after a possible swap.
inline double nifti_element(const char* data, std::int64_t i, const nifti_header& h) {
  const std::string_view bytes(data + i * h.bytes, static_cast<std::size_t>(h.bytes));
  switch (h.type) {
    case 2:
      return static_cast<unsigned char>(bytes[0]);
    case 256:
      return static_cast<signed char>(bytes[0]);
    case 4:
      return header_number<std::int16_t>(bytes, 0, h.swapped);
    case 512:
      return header_number<std::uint16_t>(bytes, 0, h.swapped);
    case 8:
      return header_number<std::int32_t>(bytes, 0, h.swapped);
    case 768:
      return header_number<std::uint32_t>(bytes, 0, h.swapped);
    case 16:
      return static_cast<double>(header_number<float>(bytes, 0, h.swapped));
    case 1024:
      return static_cast<double>(header_number<std::int64_t>(bytes, 0, h.swapped));
    case 1280:
      return static_cast<double>(header_number<std::uint64_t>(bytes, 0, h.swapped));
    default:
      return header_number<double>(bytes, 0, h.swapped);
  }
}

// The first `wanted` bytes of what gzip compressed (fewer where it ends before), grown as they come, never beyond `wanted`.
inline std::string inflated(const std::string& bytes, std::size_t wanted, const std::string& path) {
  z_stream z{};
  expect(inflateInit2(&z, 16 + MAX_WBITS) == Z_OK, "dcs::nifti: ", path, ": zlib cannot be used");
  std::string out;
  std::array<char, 1 << 16> part;
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data())), z.avail_in = static_cast<uInt>(bytes.size());
  int code = Z_OK;
  while (out.size() < wanted && code == Z_OK) {
    z.next_out = reinterpret_cast<Bytef*>(part.data()), z.avail_out = static_cast<uInt>(part.size());
    code = inflate(&z, Z_NO_FLUSH);
    out.append(part.data(), std::min(wanted - out.size(), part.size() - z.avail_out));
    // gzip files may follow one another, as some tools write large volumes.
    if (code == Z_STREAM_END && z.avail_in > 0) code = inflateReset(&z);
  }
  inflateEnd(&z);
  expect(code == Z_OK || code == Z_STREAM_END || code == Z_BUF_ERROR, "dcs::nifti: ", path, ": damaged gzip data");
  return out;
}

}  // namespace detail

/// Reads a header from the first 348 bytes. `path` is for messages. Throws dcs::error where it is no NIfTI-1 in one file, has other than three axes
/// with more than one element, or an element type that is no real number; and for more than `most` voxels.
inline nifti_header parse_nifti_header(std::string_view bytes, const std::string& path, std::int64_t most) {
  expect(bytes.size() >= 348, "dcs::nifti: ", path, " ends within its header");
  nifti_header h;
  const auto size = detail::header_number<std::int32_t>(bytes, 0, false);
  h.swapped = size != 348;
  expect(!h.swapped || detail::header_number<std::int32_t>(bytes, 0, true) == 348, "dcs::nifti: ", path, ": its header states ", size,
         " bytes; expected NIfTI-1's 348");
  expect(bytes.substr(344, 4) == std::string_view("n+1\0", 4), "dcs::nifti: ", path,
         ": expected a NIfTI-1 in one file (.nii or .nii.gz); pairs of .hdr and .img are not read");
  const auto number = [&]<class T>(T, std::size_t at) { return detail::header_number<T>(bytes, at, h.swapped); };
  const int axes = number(std::int16_t{}, 40);
  expect(axes >= 1 && axes <= 7, "dcs::nifti: ", path, ": ", axes, " axes; expected 1 to 7");
  std::int64_t voxels = 1;
  const int units = number(std::uint8_t{}, 123) & 7;  // 1 metres, 2 millimetres, 3 micrometres
  const double in_mm = units == 1 ? 1000 : units == 3 ? 0.001 : 1;
  for (int a = 0; a < 7; ++a) {
    const std::int64_t n = a < axes ? number(std::int16_t{}, 42 + 2 * static_cast<std::size_t>(a)) : 1;
    expect(n >= 1 && (a < 3 || n == 1), "dcs::nifti: ", path, ": axis ", a, " has ", n, " elements; expected a volume of three axes");
    expect(n <= most / voxels, "dcs::nifti: ", path, ": more than the ", most, " voxels that are read");
    voxels *= n;
    if (a >= 3) continue;
    h.extents[static_cast<std::size_t>(a)] = n;
    const double spacing = std::abs(static_cast<double>(number(float{}, 80 + 4 * static_cast<std::size_t>(a)))) * in_mm;
    h.spacing[static_cast<std::size_t>(a)] = is_finite(spacing) ? spacing : 0;
  }
  h.type = number(std::int16_t{}, 70), h.bytes = detail::bytes_of_nifti_type(h.type);
  expect(h.bytes > 0, "dcs::nifti: ", path, ": elements of type ", h.type, "; expected whole or floating-point numbers of 8 to 64 bits");
  const double offset = static_cast<double>(number(float{}, 108));
  expect(offset >= 348 && offset <= 1e9, "dcs::nifti: ", path, ": its voxels begin at byte ", offset, "; expected 348 or more");
  h.offset = static_cast<std::int64_t>(offset);
  const double slope = static_cast<double>(number(float{}, 112)), inter = static_cast<double>(number(float{}, 116));
  if (is_finite(slope) && slope != 0 && is_finite(inter)) h.slope = slope, h.inter = inter;  // 0: no scaling, as the format has it
  return h;
}

/// Reads a header alone; `most` as for read_nifti.
inline nifti_header read_nifti_header(const std::string& path, std::int64_t most = std::int64_t{1} << 29) {
  input_file f(path, "dcs::nifti");
  std::string bytes(static_cast<std::size_t>(std::min<std::int64_t>(f.size(), 1 << 16)), '\0');
  f.read(bytes.data(), static_cast<std::int64_t>(bytes.size()));
  const bool gzip = bytes.starts_with("\x1F\x8B");
  return parse_nifti_header(gzip ? detail::inflated(bytes, 348, printable(path)) : bytes, printable(path), most);
}

/// Reads a volume of at most `most` voxels, with gzip or without, in either byte order; values are slope · stored + inter, and what is no finite
/// f32 becomes 0. Throws dcs::error as parse_nifti_header does, and where the file is damaged or ends before its voxels. Memory is taken for bytes
/// that are there, not for those that the header states.
inline volume read_nifti(const std::string& path, std::int64_t most = std::int64_t{1} << 29) {
  std::string bytes = read_bytes(path, "dcs::nifti", std::int64_t{1} << 31);
  const std::string shown = printable(path);
  const bool gzip = bytes.starts_with("\x1F\x8B");
  const nifti_header h = parse_nifti_header(gzip ? detail::inflated(bytes, 348, shown) : std::string_view(bytes).substr(0, 348), shown, most);
  const std::int64_t voxels = h.extents[0] * h.extents[1] * h.extents[2], needed = h.offset + voxels * h.bytes;
  if (gzip) bytes = detail::inflated(bytes, static_cast<std::size_t>(needed), shown);
  expect(static_cast<std::int64_t>(bytes.size()) >= needed, "dcs::nifti: ", shown, " ends at byte ", bytes.size(), " of ", needed);
  volume v{h.extents, h.spacing, std::vector<float>(static_cast<std::size_t>(voxels))};
  for (std::int64_t i = 0; i < voxels; ++i) {
    v.values[static_cast<std::size_t>(i)] = finite_float(h.slope * detail::nifti_element(bytes.data() + h.offset, i, h) + h.inter);
  }
  return v;
}

}  // namespace dcs::io

#include <dcs/core/header_end.inl>
