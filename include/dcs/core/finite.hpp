// Whether a number is finite or NaN, decided from its bits: under -ffinite-math-only and -ffast-math compilers replace the standard library's tests
// by constants.
#pragma once

#include <dcs/core/header_begin.inl>

#include <bit>
#include <cstdint>
#include <limits>
#include <type_traits>

DCS_EXACT_MATH
namespace dcs {

namespace detail {
/// The bits of |x|, and those of infinity in x's type.
template <class T>
constexpr auto magnitude_bits(T x) {
  static_assert(std::is_same_v<T, float> || std::is_same_v<T, double>);
  using bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
  return static_cast<bits>(std::bit_cast<bits>(x) & ~(bits{1} << (8 * sizeof(T) - 1)));
}
template <class T>
inline constexpr auto infinity_bits = magnitude_bits(std::numeric_limits<T>::infinity());
}  // namespace detail

/// Neither infinite nor NaN.
template <class T>
constexpr bool is_finite(T x) {
  return detail::magnitude_bits(x) < detail::infinity_bits<T>;
}
template <class T>
constexpr bool is_nan(T x) {
  return detail::magnitude_bits(x) > detail::infinity_bits<T>;
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
