// Texts with numbers in them.
#pragma once

#include <cstdio>
#include <string>

namespace programs {

/// What printf prints.
template <class... X>
std::string formatted(const char* format, X... x) {
  std::string text(static_cast<std::size_t>(std::snprintf(nullptr, 0, format, x...)), '\0');
  std::snprintf(text.data(), text.size() + 1, format, x...);
  return text;
}

}  // namespace programs
