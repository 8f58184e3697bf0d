// Whole numbers of JSON files that others have written, and how an error shows what stands there instead.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/error.hpp>
#include <dcs/core/printable.hpp>

#include <cmath>
#include <cstdint>
#include <string>

#include <nlohmann/json.hpp>

DCS_EXACT_MATH
namespace dcs {

/// A value of a file as an error shows it: on one line, and not much of it where it is long.
inline std::string shown(const nlohmann::json& v) {
  constexpr std::size_t most = 200;
  const std::string all = v.dump();
  return all.size() <= most ? printable(all) : printable(all.substr(0, most)) + "...";
}

/// The whole number that `v` is, from `low` to `high`, both between -2^62 and 2^62; it may be spelled as a float, 8.0, as tools that know floats
/// alone do. JSON's own conversion cuts off what does not fit, and has no defined result beyond 64 bits. Throws dcs::error, which begins with
/// `where`, for any other value.
inline std::int64_t whole_number(const nlohmann::json& v, std::int64_t low, std::int64_t high, const std::string& where = "") {
  bool fits = v.is_number_unsigned() ? v.get<std::uint64_t>() <= static_cast<std::uint64_t>(high < 0 ? 0 : high) : v.is_number_integer();
  if (v.is_number_float()) {
    const double x = v.get<double>();
    fits = x >= static_cast<double>(low) && x <= static_cast<double>(high) && x == std::floor(x);
  }
  const std::int64_t n = fits ? v.get<std::int64_t>() : 0;
  if (!fits || n < low || n > high) fail(where, shown(v), " is no whole number from ", low, " to ", high);  // shown only where it is wrong
  return n;
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
