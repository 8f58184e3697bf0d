// Numbers from text: all of it or nothing. atoi, strtod and stoll pass over blanks before a number and stop at what follows it, so that "12abc"
// is 12.
#pragma once

#include <dcs/core/header_begin.inl>

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>
#include <system_error>

DCS_EXACT_MATH
namespace dcs {

namespace detail {
template <class T>
std::optional<T> parse_all(std::string_view text) {
  T value{};
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}
}  // namespace detail

/// The whole number that `text` spells in decimal digits, after a '-' where it is negative. Nothing where the text is not such a number from its
/// first character to its last, or the number has no place in 64 bits.
inline std::optional<std::int64_t> parse_whole(std::string_view text) { return detail::parse_all<std::int64_t>(text); }

/// The number that `text` spells as printf's %g does, inf and nan among them. Nothing where the text is not such a number from its first character to
/// its last, or the number is beyond the range of double.
inline std::optional<double> parse_real(std::string_view text) { return detail::parse_all<double>(text); }

}  // namespace dcs

#include <dcs/core/header_end.inl>
