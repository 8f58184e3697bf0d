// CRC-32C (Castagnoli), the checksum of iSCSI, ext4 and many file formats: it finds every burst of up to 32 damaged bits, and others but for one in
// four billion.
#pragma once

#include <dcs/core/header_begin.inl>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

DCS_EXACT_MATH
namespace dcs::io {

namespace detail {

static_assert(std::endian::native == std::endian::little, "dcs::crc32c: eight bytes are read as one little-endian number");

// Entry [k][b]: the remainder of byte b with k zero bytes behind it. With eight tables, eight bytes take eight look-ups that do not wait for one
// another ("slicing by 8", Kounavis and Berry 2005): about 2 GB a second.
inline constexpr auto crc32c_tables = [] {
  std::array<std::array<std::uint32_t, 256>, 8> t{};
  for (std::uint32_t b = 0; b < 256; ++b) {
    std::uint32_t r = b;
    for (int bit = 0; bit < 8; ++bit) r = r >> 1 ^ (r & 1 ? 0x82F63B78u : 0u);  // the polynomial 0x1EDC6F41, its bits reversed
    t[0][b] = r;
  }
  for (std::size_t k = 1; k < 8; ++k)
    for (std::size_t b = 0; b < 256; ++b) t[k][b] = t[k - 1][b] >> 8 ^ t[0][t[k - 1][b] & 255];
  return t;
}();

}  // namespace detail

/// The CRC-32C of `bytes` bytes. With `before`, the checksum of preceding bytes, it is the checksum of both together.
inline std::uint32_t crc32c(const void* data, std::size_t bytes, std::uint32_t before = 0) {
  const auto& t = detail::crc32c_tables;
  const auto* p = static_cast<const unsigned char*>(data);
  std::uint32_t r = ~before;
  for (; bytes >= 8; p += 8, bytes -= 8) {
    std::uint64_t v;
    std::memcpy(&v, p, 8);
    v ^= r;
    r = t[7][v & 255] ^ t[6][v >> 8 & 255] ^ t[5][v >> 16 & 255] ^ t[4][v >> 24 & 255] ^ t[3][v >> 32 & 255] ^ t[2][v >> 40 & 255] ^
        t[1][v >> 48 & 255] ^ t[0][v >> 56];
  }
  for (; bytes > 0; ++p, --bytes) r = r >> 8 ^ t[0][(r ^ *p) & 255];
  return ~r;
}

}  // namespace dcs::io

#include <dcs/core/header_end.inl>
