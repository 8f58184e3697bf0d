// The element types that arrays in files have, under the names of the safetensors format, and their conversion to types of C++.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/dtype.hpp>
#include <dcs/core/error.hpp>
#include <dcs/core/printable.hpp>

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

DCS_EXACT_MATH
namespace dcs::io::detail {

/// A name from a file as messages show it: printable and shortened.
inline std::string shown(std::string_view name) { return name.size() <= 200 ? printable(name) : printable(name.substr(0, 200)) + "..."; }

/// Bits of an element of the type that safetensors calls by this name; 0 for a name that it does not have.
inline int element_bits(std::string_view type) {
  constexpr std::pair<std::string_view, int> types[] = {
      {"F64", 64},  {"I64", 64},    {"U64", 64},    {"C64", 64},    {"F32", 32},        {"I32", 32},       {"U32", 32},    {"F16", 16},
      {"BF16", 16}, {"I16", 16},    {"U16", 16},    {"U8", 8},      {"I8", 8},          {"BOOL", 8},       {"F8_E5M2", 8}, {"F8_E4M3", 8},
      {"F4", 4},    {"F6_E2M3", 6}, {"F6_E3M2", 6}, {"F8_E8M0", 8}, {"F8_E4M3FNUZ", 8}, {"F8_E5M2FNUZ", 8}};
  for (const auto& [name, bits] : types)
    if (name == type) return bits;
  return 0;
}

/// Bytes of a tensor of this type and shape; throws dcs::error where the type is unknown, a size is negative, there are too many elements to count,
/// or they end within a byte. `who` begins the message.
inline std::int64_t bytes_of(const std::string& who, const std::string& type, const std::vector<std::int64_t>& shape) {
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
  const int bits = element_bits(type);
  if (bits == 0) fail(who, " has the unknown dtype ", shown(type));
  std::int64_t n = 1;
  for (const std::int64_t extent : shape) {
    if (extent < 0) fail(who, " has a size of ", extent, "; expected none below 0");
    if (extent > 0 && n > most / extent) fail(who, " is too large");
    n *= extent;
  }
  if (n > most / bits) fail(who, " is too large");
  if (n * bits % 8 != 0) fail(who, ": ", n, " elements of ", bits, " bits end within a byte");
  return n * bits / 8;
}

// The floats of eight bits, each read from its byte. `exponent` bits of exponent with this bias, the others below it are mantissa.
constexpr float small_float(std::uint8_t byte, int exponent, int bias) {
  const int mantissa = 7 - exponent, e = byte >> mantissa & ((1 << exponent) - 1), m = byte & ((1 << mantissa) - 1);
  const float unit = std::bit_cast<float>(static_cast<std::uint32_t>(127 + (e ? e : 1) - bias - mantissa) << 23);  // a power of two
  const float magnitude = static_cast<float>(e ? m + (1 << mantissa) : m) * unit;
  return byte & 0x80 ? -magnitude : magnitude;
}
inline constexpr float quiet_nan = std::numeric_limits<float>::quiet_NaN();

struct f8_e5m2 {  // the upper half of an f16
  std::uint8_t byte;
  float value() const {
    f16 h;
    h.bits = static_cast<std::uint16_t>(byte << 8);
    return h;
  }
};
struct f8_e4m3 {  // without infinities
  std::uint8_t byte;
  float value() const { return (byte & 0x7F) == 0x7F ? quiet_nan : small_float(byte, 4, 7); }
};
struct f8_e4m3fnuz {  // one zero and one NaN, which has the bits of -0
  std::uint8_t byte;
  float value() const { return byte == 0x80 ? quiet_nan : small_float(byte, 4, 8); }
};
struct f8_e5m2fnuz {
  std::uint8_t byte;
  float value() const { return byte == 0x80 ? quiet_nan : small_float(byte, 5, 16); }
};
struct f8_e8m0 {  // a power of two
  std::uint8_t byte;
  float value() const { return byte == 255 ? quiet_nan : std::bit_cast<float>(byte == 0 ? 0x00400000u : static_cast<std::uint32_t>(byte) << 23); }
};
struct boolean {
  std::uint8_t byte;
  std::uint8_t value() const { return byte != 0; }
};

// The C++ types that an element of a file can be read as.
template <class From>
auto number_of(From v) {
  if constexpr (std::is_arithmetic_v<From>)
    return v;
  else if constexpr (std::is_same_v<From, bf16> || std::is_same_v<From, f16>)
    return static_cast<float>(v);
  else
    return v.value();
}

/// Calls f(From{}) with the type of C++ whose memory is that of an element of `type`. False, without a call, where there is none.
template <class F>
bool with_element_type(std::string_view type, F&& f) {
  if (type == "F32") return f(float{}), true;
  if (type == "F64") return f(double{}), true;
  if (type == "BF16") return f(bf16{}), true;
  if (type == "F16") return f(f16{}), true;
  if (type == "I64") return f(std::int64_t{}), true;
  if (type == "I32") return f(std::int32_t{}), true;
  if (type == "I16") return f(std::int16_t{}), true;
  if (type == "I8") return f(std::int8_t{}), true;
  if (type == "U64") return f(std::uint64_t{}), true;
  if (type == "U32") return f(std::uint32_t{}), true;
  if (type == "U16") return f(std::uint16_t{}), true;
  if (type == "U8") return f(std::uint8_t{}), true;
  if (type == "BOOL") return f(boolean{}), true;
  if (type == "F8_E5M2") return f(f8_e5m2{}), true;
  if (type == "F8_E4M3") return f(f8_e4m3{}), true;
  if (type == "F8_E8M0") return f(f8_e8m0{}), true;
  if (type == "F8_E4M3FNUZ") return f(f8_e4m3fnuz{}), true;
  if (type == "F8_E5M2FNUZ") return f(f8_e5m2fnuz{}), true;
  return false;
}

// Tested by its bits, as with some compiler flags comparisons assume that there are no infinities.
inline bool finite(double v) { return (std::bit_cast<std::uint64_t>(v) >> 52 & 0x7FF) != 0x7FF; }

/// Whether `v` fits a T, and if so `to` is it: rounded to a float, and towards 0 to a whole number. A finite number does not become an infinity.
template <class T, class V>
bool fits(V v, T& to) {
  if constexpr (std::is_integral_v<T> && std::is_integral_v<V>) {
    if (!std::in_range<T>(v)) return false;
    to = static_cast<T>(v);
  } else if constexpr (std::is_integral_v<T>) {
    if (!finite(static_cast<double>(v))) return false;
    const double whole = std::trunc(static_cast<double>(v));
    if (whole < static_cast<double>(std::numeric_limits<T>::min()) || whole >= std::ldexp(1.0, std::numeric_limits<T>::digits)) return false;
    to = static_cast<T>(whole);
  } else if constexpr (std::is_same_v<T, double>) {
    to = static_cast<double>(v);
  } else {
    const bool was_finite = finite(static_cast<double>(v));
    // From here on a double rounds to an infinity of f32.
    if (was_finite && std::abs(static_cast<double>(v)) >= 0x1.ffffffp127) return false;
    to = static_cast<T>(static_cast<float>(v));
    return !was_finite || finite(static_cast<double>(static_cast<float>(to)));
  }
  return true;
}

}  // namespace dcs::io::detail

#include <dcs/core/header_end.inl>
