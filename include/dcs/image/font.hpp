// Letters for pictures that programs draw: one size, 5 × 8 pixels, which whole factors enlarge.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/image/overlay.hpp>

#include <array>
#include <string>
#include <string_view>

DCS_EXACT_MATH
namespace dcs {

namespace detail {
// The printable characters of ASCII, from the space on: eight rows of a character from the top, the highest of five bits on the left. The lowest row
// is below the line that letters stand on.
// clang-format off
inline constexpr std::array<std::array<std::uint8_t, 8>, 95> glyphs{{
    {0, 0, 0, 0, 0, 0, 0, 0},  // space
    {4, 4, 4, 4, 4, 0, 4, 0},  // !
    {10, 10, 10, 0, 0, 0, 0, 0},  // "
    {10, 10, 31, 10, 31, 10, 10, 0},  // #
    {4, 15, 20, 14, 5, 30, 4, 0},  // $
    {24, 25, 2, 4, 8, 19, 3, 0},  // %
    {12, 18, 20, 8, 21, 18, 13, 0},  // &
    {4, 4, 8, 0, 0, 0, 0, 0},  // '
    {2, 4, 8, 8, 8, 4, 2, 0},  // (
    {8, 4, 2, 2, 2, 4, 8, 0},  // )
    {0, 21, 14, 31, 14, 21, 0, 0},  // *
    {0, 4, 4, 31, 4, 4, 0, 0},  // +
    {0, 0, 0, 0, 0, 12, 12, 8},  // ,
    {0, 0, 0, 14, 0, 0, 0, 0},  // -
    {0, 0, 0, 0, 0, 12, 12, 0},  // .
    {1, 1, 2, 4, 8, 16, 16, 0},  // /
    {14, 17, 19, 21, 25, 17, 14, 0},  // 0
    {4, 12, 4, 4, 4, 4, 14, 0},  // 1
    {14, 17, 1, 2, 4, 8, 31, 0},  // 2
    {14, 17, 1, 6, 1, 17, 14, 0},  // 3
    {2, 6, 10, 18, 31, 2, 2, 0},  // 4
    {31, 16, 30, 1, 1, 17, 14, 0},  // 5
    {6, 8, 16, 30, 17, 17, 14, 0},  // 6
    {31, 1, 2, 2, 4, 4, 4, 0},  // 7
    {14, 17, 17, 14, 17, 17, 14, 0},  // 8
    {14, 17, 17, 15, 1, 2, 12, 0},  // 9
    {0, 0, 12, 12, 0, 12, 12, 0},  // :
    {0, 0, 12, 12, 0, 12, 12, 8},  // ;
    {2, 4, 8, 16, 8, 4, 2, 0},  // <
    {0, 0, 31, 0, 31, 0, 0, 0},  // =
    {8, 4, 2, 1, 2, 4, 8, 0},  // >
    {14, 17, 1, 2, 4, 0, 4, 0},  // ?
    {14, 17, 23, 21, 22, 16, 14, 0},  // @
    {14, 17, 17, 31, 17, 17, 17, 0},  // A
    {30, 17, 17, 30, 17, 17, 30, 0},  // B
    {14, 17, 16, 16, 16, 17, 14, 0},  // C
    {30, 17, 17, 17, 17, 17, 30, 0},  // D
    {31, 16, 16, 30, 16, 16, 31, 0},  // E
    {31, 16, 16, 30, 16, 16, 16, 0},  // F
    {14, 17, 16, 23, 17, 17, 15, 0},  // G
    {17, 17, 17, 31, 17, 17, 17, 0},  // H
    {14, 4, 4, 4, 4, 4, 14, 0},  // I
    {7, 2, 2, 2, 2, 18, 12, 0},  // J
    {17, 18, 20, 24, 20, 18, 17, 0},  // K
    {16, 16, 16, 16, 16, 16, 31, 0},  // L
    {17, 27, 21, 21, 17, 17, 17, 0},  // M
    {17, 25, 21, 21, 19, 17, 17, 0},  // N
    {14, 17, 17, 17, 17, 17, 14, 0},  // O
    {30, 17, 17, 30, 16, 16, 16, 0},  // P
    {14, 17, 17, 17, 21, 18, 13, 0},  // Q
    {30, 17, 17, 30, 20, 18, 17, 0},  // R
    {15, 16, 16, 14, 1, 1, 30, 0},  // S
    {31, 4, 4, 4, 4, 4, 4, 0},  // T
    {17, 17, 17, 17, 17, 17, 14, 0},  // U
    {17, 17, 17, 17, 10, 10, 4, 0},  // V
    {17, 17, 17, 21, 21, 27, 17, 0},  // W
    {17, 17, 10, 4, 10, 17, 17, 0},  // X
    {17, 17, 10, 4, 4, 4, 4, 0},  // Y
    {31, 1, 2, 4, 8, 16, 31, 0},  // Z
    {14, 8, 8, 8, 8, 8, 14, 0},  // [
    {16, 16, 8, 4, 2, 1, 1, 0},  // backslash
    {14, 2, 2, 2, 2, 2, 14, 0},  // ]
    {4, 10, 17, 0, 0, 0, 0, 0},  // ^
    {0, 0, 0, 0, 0, 0, 31, 0},  // _
    {8, 4, 0, 0, 0, 0, 0, 0},  // `
    {0, 0, 14, 1, 15, 17, 15, 0},  // a
    {16, 16, 30, 17, 17, 17, 30, 0},  // b
    {0, 0, 14, 16, 16, 16, 14, 0},  // c
    {1, 1, 15, 17, 17, 17, 15, 0},  // d
    {0, 0, 14, 17, 31, 16, 14, 0},  // e
    {6, 8, 28, 8, 8, 8, 8, 0},  // f
    {0, 0, 15, 17, 17, 15, 1, 14},  // g
    {16, 16, 30, 17, 17, 17, 17, 0},  // h
    {4, 0, 12, 4, 4, 4, 14, 0},  // i
    {2, 0, 6, 2, 2, 2, 2, 12},  // j
    {16, 16, 18, 20, 24, 20, 18, 0},  // k
    {12, 4, 4, 4, 4, 4, 14, 0},  // l
    {0, 0, 26, 21, 21, 21, 21, 0},  // m
    {0, 0, 30, 17, 17, 17, 17, 0},  // n
    {0, 0, 14, 17, 17, 17, 14, 0},  // o
    {0, 0, 30, 17, 17, 30, 16, 16},  // p
    {0, 0, 15, 17, 17, 15, 1, 1},  // q
    {0, 0, 22, 24, 16, 16, 16, 0},  // r
    {0, 0, 15, 16, 14, 1, 30, 0},  // s
    {8, 8, 28, 8, 8, 8, 6, 0},  // t
    {0, 0, 17, 17, 17, 17, 15, 0},  // u
    {0, 0, 17, 17, 17, 10, 4, 0},  // v
    {0, 0, 17, 21, 21, 21, 10, 0},  // w
    {0, 0, 17, 10, 4, 10, 17, 0},  // x
    {0, 0, 17, 17, 17, 15, 1, 14},  // y
    {0, 0, 31, 2, 4, 8, 31, 0},  // z
    {3, 4, 4, 8, 4, 4, 3, 0},  // {
    {4, 4, 4, 4, 4, 4, 4, 0},  // |
    {24, 4, 4, 2, 4, 4, 24, 0},  // }
    {0, 0, 8, 21, 2, 0, 0, 0},  // ~
}};
// clang-format on
}  // namespace detail

/// The width of a text of `length` characters in pixels, its last gap not counted; and its height.
constexpr std::int64_t text_width(std::size_t length, std::int64_t scale) {
  return length == 0 ? 0 : (6 * static_cast<std::int64_t>(length) - 1) * scale;
}
constexpr std::int64_t text_height(std::int64_t scale) { return 8 * scale; }

/// Writes a text into an RGB image, its upper left corner at row y and column x; what lies outside the image is not drawn. A character that is not of
/// printable ASCII becomes '?', each of its bytes.
inline void draw_text(image& i, std::int64_t y, std::int64_t x, std::string_view text, detail::rgb colour, std::int64_t scale = 1) {
  for (const char c : text) {
    const auto& glyph = detail::glyphs[static_cast<std::size_t>((c < ' ' || c > '~' ? '?' : c) - ' ')];
    for (std::int64_t row = 0; row < 8 * scale; ++row)
      for (std::int64_t column = 0; column < 5 * scale; ++column)
        if (glyph[static_cast<std::size_t>(row / scale)] >> (4 - column / scale) & 1) detail::put_pixel(i, y + row, x + column, colour);
    x += 6 * scale;
  }
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
