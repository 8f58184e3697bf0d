// Text from outside (names of files, contents of headers), made safe to show on a terminal.
#pragma once

#include <dcs/core/header_begin.inl>

#include <string>
#include <string_view>

DCS_EXACT_MATH
namespace dcs {

namespace detail {

// The length in bytes of the UTF-8 sequence that `s` begins with; 0 where it begins with no valid one (overlong forms, surrogates and code points
// beyond Unicode are invalid).
inline std::size_t utf8_length(std::string_view s) {
  const auto byte = [&](std::size_t i) { return i < s.size() ? static_cast<unsigned>(static_cast<unsigned char>(s[i])) : 0u; };
  const auto follows = [&](std::size_t i) { return (byte(i) & 0xC0u) == 0x80u; };
  const unsigned a = byte(0), b = byte(1);
  if (s.empty()) return 0;
  if (a < 0x80) return 1;
  if (a >= 0xC2 && a <= 0xDF) return follows(1) ? 2 : 0;
  if (a >= 0xE0 && a <= 0xEF) return follows(1) && follows(2) && !(a == 0xE0 && b < 0xA0) && !(a == 0xED && b > 0x9F) ? 3 : 0;
  if (a >= 0xF0 && a <= 0xF4) return follows(1) && follows(2) && follows(3) && !(a == 0xF0 && b < 0x90) && !(a == 0xF4 && b > 0x8F) ? 4 : 0;
  return 0;
}

}  // namespace detail

/// Whether a text is well-formed UTF-8.
inline bool is_utf8(std::string_view s) {
  while (!s.empty()) {
    const auto n = detail::utf8_length(s);
    if (n == 0) return false;
    s.remove_prefix(n);
  }
  return true;
}

/// The text with control characters and bytes that are not UTF-8 spelled \\xNN, so that it is one line and no escape code reaches a terminal.
/// U+0080 to U+009F, which terminals take for control characters too, are spelled byte by byte.
inline std::string printable(std::string_view s) {
  constexpr const char* digits = "0123456789abcdef";
  std::string out;
  while (!s.empty()) {
    const auto n = detail::utf8_length(s);
    const auto first = static_cast<unsigned char>(s[0]);
    const bool control = n == 0 || first < 0x20 || first == 0x7F || (n == 2 && first == 0xC2 && static_cast<unsigned char>(s[1]) < 0xA0);
    const std::size_t taken = n == 0 ? 1 : n;
    for (std::size_t i = 0; i < taken; ++i) {
      const auto c = static_cast<unsigned char>(s[i]);
      if (control)
        out += "\\x", out += digits[c >> 4], out += digits[c & 15];
      else
        out += s[i];
    }
    s.remove_prefix(taken);
  }
  return out;
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
