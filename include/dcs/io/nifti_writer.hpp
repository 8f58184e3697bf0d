// NIfTI-1 volumes out: what was computed of a volume, with that volume's own header, so that it lies where the volume lies.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/io/nifti.hpp>

#include <type_traits>

DCS_EXACT_MATH
namespace dcs::io {

namespace detail {

template <class T>
void put_header_number(std::string& bytes, std::size_t at, T value, bool swapped) {
  char raw[sizeof(T)];
  std::memcpy(raw, &value, sizeof(T));
  if (swapped) std::reverse(raw, raw + sizeof(T));
  bytes.replace(at, sizeof(T), raw, sizeof(T));
}

// The same bytes give the same file: the header of gzip states no time and no name.
inline std::string deflated(const std::string& bytes, const std::string& path) {
  z_stream z{};
  expect(deflateInit2(&z, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) == Z_OK, "dcs::nifti: ", path, ": zlib cannot be used");
  std::string out;
  std::array<char, 1 << 16> part;
  constexpr std::size_t most = std::size_t{1} << 30;  // zlib counts in 32 bits
  int code = Z_OK;
  for (std::size_t at = 0; code == Z_OK || code == Z_BUF_ERROR;) {
    const std::size_t n = std::min(most, bytes.size() - at);
    z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data() + at)), z.avail_in = static_cast<uInt>(n), at += n;
    do {
      z.next_out = reinterpret_cast<Bytef*>(part.data()), z.avail_out = static_cast<uInt>(part.size());
      code = deflate(&z, at == bytes.size() ? Z_FINISH : Z_NO_FLUSH);
      out.append(part.data(), part.size() - z.avail_out);
    } while (z.avail_out == 0);
  }
  deflateEnd(&z);
  expect(code == Z_STREAM_END, "dcs::nifti: ", path, ": zlib cannot compress it");
  return out;
}

}  // namespace detail

/// The header of a NIfTI-1 file as it stands, 348 bytes, for write_nifti. Throws dcs::error as read_nifti_header does.
inline std::string nifti_header_bytes(const std::string& path, std::int64_t most = std::int64_t{1} << 29) {
  (void)read_nifti_header(path, most);
  input_file f(path, "dcs::nifti");
  std::string bytes(static_cast<std::size_t>(std::min<std::int64_t>(f.size(), 1 << 16)), '\0');
  f.read(bytes.data(), static_cast<std::int64_t>(bytes.size()));
  return (bytes.starts_with("\x1F\x8B") ? detail::inflated(bytes, 348, printable(path)) : bytes).substr(0, 348);
}

/// Writes values of a volume (u8 or f32, first axis fastest) as PATH, whole or not at all; with gzip where the name ends in .gz. `header` is that of
/// the volume that they belong to (nifti_header_bytes): its extents, voxel sizes, units and both of its transforms to the patient's axes (qform and
/// sform) stay bit by bit, and so does its byte order. Extensions of the header are not copied, and the values are unscaled. Throws dcs::error where
/// there are not as many values as voxels, or the disk does not take the file.
template <class T>
void write_nifti(const std::string& path, std::string header, const std::vector<T>& values) {
  static_assert(std::is_same_v<T, std::uint8_t> || std::is_same_v<T, float>, "dcs::nifti: values are written as u8 or f32");
  const nifti_header h = parse_nifti_header(header, printable(path), std::int64_t{1} << 40);
  const std::int64_t voxels = h.extents[0] * h.extents[1] * h.extents[2];
  expect(static_cast<std::int64_t>(values.size()) == voxels, "dcs::nifti: ", printable(path), ": ", values.size(), " values for ", voxels, " voxels");
  const auto put = [&](std::size_t at, auto value) { detail::put_header_number(header, at, value, h.swapped); };
  put(70, std::int16_t{std::is_same_v<T, float> ? 16 : 2}), put(72, static_cast<std::int16_t>(8 * sizeof(T)));
  put(108, 352.0f);                // the voxels begin behind the header and its four bytes about extensions
  put(112, 1.0f), put(116, 0.0f);  // slope and intercept
  put(124, 0.0f), put(128, 0.0f);  // the range that viewers show: their own choice
  std::string bytes = header + std::string(4, '\0');
  const std::size_t head = bytes.size();
  bytes.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
  if (h.swapped && sizeof(T) > 1)
    for (std::size_t at = head; at < bytes.size(); at += sizeof(T)) {
      const auto first = bytes.begin() + static_cast<std::ptrdiff_t>(at);
      std::reverse(first, first + static_cast<std::ptrdiff_t>(sizeof(T)));
    }
  write_bytes(path, "dcs::nifti", path.ends_with(".gz") ? detail::deflated(bytes, printable(path)) : bytes);
}

}  // namespace dcs::io

#include <dcs/core/header_end.inl>
