// Element types: float, double, and the two 16-bit floats, which are storage formats: arithmetic on them happens in float.
#pragma once

#include <dcs/core/header_begin.inl>

#include <bit>
#include <cstdint>
#include <limits>
#include <type_traits>

DCS_EXACT_MATH
namespace dcs {

/// bfloat16: the upper half of a float. Rounds to nearest even; NaN stays NaN.
struct bf16 {
  std::uint16_t bits = 0;

  constexpr bf16() = default;
  constexpr explicit bf16(float f) {
    const auto u = std::bit_cast<std::uint32_t>(f);
    bits = f != f ? static_cast<std::uint16_t>(u >> 16 | 0x40u) : static_cast<std::uint16_t>((u + 0x7FFFu + (u >> 16 & 1u)) >> 16);
  }
  constexpr explicit bf16(double d) : bf16(static_cast<float>(d)) {}
  constexpr operator float() const { return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16); }  // NOLINT: lossless
  friend constexpr bool operator==(bf16 a, bf16 b) { return float(a) == float(b); }
};

/// IEEE half precision. Rounds to nearest even; overflow becomes infinity.
struct f16 {
  std::uint16_t bits = 0;

  constexpr f16() = default;
  constexpr explicit f16(float f) {
    const auto u = std::bit_cast<std::uint32_t>(f);
    const std::uint32_t sign = u >> 16 & 0x8000u, magnitude = u & 0x7FFFFFFFu;
    std::uint32_t h;
    if (magnitude >= 0x7F800000u)
      h = magnitude > 0x7F800000u ? 0x7E00u : 0x7C00u;
    else if (magnitude >= 0x477FF000u)
      h = 0x7C00u;
    else if (magnitude >= 0x38800000u)
      h = (magnitude - 0x38000000u + 0xFFFu + (magnitude >> 13 & 1u)) >> 13;
    else {  // subnormal: adding 0.5 lets the float adder round to multiples of 2^-24
      const float shifted = std::bit_cast<float>(magnitude) + 0.5f;
      h = std::bit_cast<std::uint32_t>(shifted) - 0x3F000000u;
    }
    bits = static_cast<std::uint16_t>(sign | h);
  }
  constexpr explicit f16(double d) : f16(static_cast<float>(d)) {}
  constexpr operator float() const {  // NOLINT: lossless
    const std::uint32_t sign = static_cast<std::uint32_t>(bits & 0x8000u) << 16, magnitude = bits & 0x7FFFu;
    if (magnitude >= 0x7C00u) return std::bit_cast<float>(sign | 0x7F800000u | ((magnitude & 0x3FFu) << 13));
    if (magnitude >= 0x400u) return std::bit_cast<float>(sign | ((magnitude << 13) + 0x38000000u));
    const float tiny = static_cast<float>(magnitude) * 0x1p-24f;
    return sign ? -tiny : tiny;
  }
  friend constexpr bool operator==(f16 a, f16 b) { return float(a) == float(b); }
};

/// Names of element types at run time.
enum class dtype : std::uint8_t { f32, f64, bf16, f16, i64, u8 };

namespace detail {
template <class T>
struct dtype_traits;
template <>
struct dtype_traits<float> {
  using self = float;
  static constexpr dtype value = dtype::f32;
  using compute = float;
};
template <>
struct dtype_traits<double> {
  using self = double;
  static constexpr dtype value = dtype::f64;
  using compute = double;
};
template <>
struct dtype_traits<bf16> {
  using self = bf16;
  static constexpr dtype value = dtype::bf16;
  using compute = float;
};
template <>
struct dtype_traits<f16> {
  using self = f16;
  static constexpr dtype value = dtype::f16;
  using compute = float;
};
template <>
struct dtype_traits<std::int64_t> {
  using self = std::int64_t;
  static constexpr dtype value = dtype::i64;
  using compute = std::int64_t;
};
template <>
struct dtype_traits<std::uint8_t> {
  using self = std::uint8_t;
  static constexpr dtype value = dtype::u8;
  using compute = int;
};
}  // namespace detail

template <class T>
inline constexpr dtype dtype_of = detail::dtype_traits<T>::value;
/// What arithmetic on T is done in.
template <class T>
using compute_type = typename detail::dtype_traits<T>::compute;

/// x as a To, defined for every x. To a float: rounded to nearest, ties to even; beyond its range infinity. To a whole number: the fraction is
/// dropped, a value outside To's range becomes the nearest end of the range, and NaN becomes 0.
template <class To, class From>
constexpr To convert_number(From x_) {
  if constexpr (!std::numeric_limits<To>::is_integer) {
    return static_cast<To>(static_cast<compute_type<From>>(x_));
  } else {
    constexpr To least = std::numeric_limits<To>::min(), most = std::numeric_limits<To>::max();
    const auto x = static_cast<compute_type<From>>(x_);
    using T = compute_type<From>;
    if constexpr (std::numeric_limits<T>::is_integer) {
      return x < std::int64_t{least} ? least : x > std::int64_t{most} ? most : static_cast<To>(x);
    } else {
      constexpr T beyond = static_cast<T>(most / 2 + 1) * 2;  // a power of two, which T represents exactly; `most` itself it may not
      if (!(x >= static_cast<T>(least))) return x < static_cast<T>(least) ? least : To{0};
      return x >= beyond ? most : static_cast<To>(x);
    }
  }
}

constexpr const char* name(dtype d) {
  constexpr const char* names[] = {"f32", "f64", "bf16", "f16", "i64", "u8"};
  return names[static_cast<int>(d)];
}
constexpr std::int64_t bytes(dtype d) {
  constexpr std::int64_t sizes[] = {4, 8, 2, 2, 8, 1};
  return sizes[static_cast<int>(d)];
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
