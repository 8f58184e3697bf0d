// Common parts of the golden tests of ops: a file of tests/goldens, and the error relative to it.
#pragma once

#include <dcs/io/safetensors.hpp>

#include <cmath>
#include <cstdlib>
#include <string>
#include <vector>

namespace dcs::test {

/// tests/goldens/NAME.safetensors, made by the script beside it.
inline io::safetensors goldens(const std::string& name) {
  const char* folder = std::getenv("DCS_TEST_DATA");
  return io::read_safetensors((folder ? std::string(folder) : std::string("tests")) + "/goldens/" + name + ".safetensors");
}

/// norm(found − wanted) / norm(wanted); infinity for a wrong number of elements or one that is not a number.
template <class T>
double relative_error(const std::vector<T>& found, const std::vector<double>& wanted) {
  if (found.size() != wanted.size()) return HUGE_VAL;
  double difference = 0, norm = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    const double d = static_cast<double>(found[i]) - wanted[i];
    if (!std::isfinite(d)) return HUGE_VAL;
    difference += d * d, norm += wanted[i] * wanted[i];
  }
  return norm > 0 ? std::sqrt(difference / norm) : std::sqrt(difference);
}

/// The tolerance for T: in double equality up to rounding.
template <class T>
inline constexpr double tolerance = sizeof(T) == 8 ? 1e-12 : 2e-6;

}  // namespace dcs::test
