// Numbers from text, which must be a number from beginning to end. atoi, strtod and stoll skip leading blanks and ignore what follows a number, so
// that "12abc" is read as 12.
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

/// The whole number that `text` spells in decimal digits, after a '-' where it is negative. std::nullopt where the text is not such a number from its
/// first character to its last, or the number does not fit 64 bits.
inline std::optional<std::int64_t> parse_whole(std::string_view text) { return detail::parse_all<std::int64_t>(text); }

/// The number that `text` spells as printf's %g does, inf and nan among them. std::nullopt where the text is not such a number from its first
/// character to its last, or the number is beyond the range of double.
inline std::optional<double> parse_real(std::string_view text) { return detail::parse_all<double>(text); }

}  // namespace dcs

#include <dcs/core/header_end.inl>
