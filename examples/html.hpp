// Pieces of HTML pages: escaped text, binary data, curves.
#pragma once

#include <dcs/image/plot.hpp>

#include <string>
#include <string_view>

namespace programs {

/// A text as HTML shows it, in elements and in quoted attributes. Control characters and bytes that are not UTF-8 are spelled \xNN.
std::string escaped(std::string_view text);

/// Bytes in base64 (RFC 4648).
std::string base64(std::string_view bytes);

/// Curves as an SVG element inside HTML, with a title for each value that a browser shows under the pointer.
std::string svg_of(const dcs::plot_panel& p);

}  // namespace programs
