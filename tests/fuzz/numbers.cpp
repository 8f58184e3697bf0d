// core/parse.hpp: what is a number reads back from what printf makes of it.
#include "target.hpp"

#include <dcs/core/parse.hpp>

#include <cmath>

DCS_FUZZ_TARGET(numbers) {
  if (const auto n = dcs::parse_whole(bytes)) fuzz::check(dcs::parse_whole(std::to_string(*n)) == n, "a whole number reads back");
  const auto x = dcs::parse_real(bytes);
  if (!x) return;
  char text[32];
  std::snprintf(text, sizeof text, "%.17g", *x);
  const auto again = dcs::parse_real(text);
  fuzz::check(again && (*again == *x || (std::isnan(*again) && std::isnan(*x))), "a number reads back to the bit");
}
