// An axis of a plot: the range of its numbers, where a number lies in it, and round numbers to label.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/finite.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

DCS_EXACT_MATH
namespace dcs {

/// The numbers from `low` to `high`, low < high, evenly spaced or, where `logarithmic`, their logarithms are.
struct plot_axis {
  double low = 0, high = 1;
  bool logarithmic = false;

  /// An axis on which all finite numbers of `values` lie, with a margin of 4 % at both ends; numbers that are all above 0, the largest more than 50
  /// times the smallest, lie on a logarithmic one. Without a finite number it is that from 0 to 1.
  static plot_axis of(const std::vector<double>& values) {
    std::vector<double> finite;
    for (const double v : values)
      if (is_finite(v)) finite.push_back(v);
    if (finite.empty()) return {};
    plot_axis a;
    const auto [least, most] = std::minmax_element(finite.begin(), finite.end());
    a.low = *least, a.high = *most, a.logarithmic = a.low > 0 && a.high > 50 * a.low;
    if (a.low == a.high) {
      const double around = a.low == 0 ? 1 : std::abs(a.low) / 2;
      a.low -= around, a.high += around;
    } else if (a.logarithmic) {
      const double margin = std::pow(a.high / a.low, 0.04);
      a.low /= margin, a.high *= margin;
    } else {
      const double margin = 0.04 * (a.high - a.low);
      a.low -= margin, a.high += margin;
    }
    return a;
  }

  /// Where a number lies: 0 at the low end, 1 at the high one.
  double position(double v) const { return logarithmic ? std::log(v / low) / std::log(high / low) : (v - low) / (high - low); }

  /// Round numbers in the range, from low to high, not more than `most` and at least two where there are: multiples of 1, 2 or 5 times a power of
  /// ten; on a logarithmic axis those times powers of ten, or powers of ten alone where the others would be too many. `whole`: whole numbers only.
  std::vector<double> ticks(int most, bool whole = false) const {
    if (logarithmic) return logarithmic_ticks(most);
    double step = std::pow(10.0, std::floor(std::log10((high - low) / most)));
    for (int k = 0; std::floor(high / step) - std::ceil(low / step) + 1 > most || (whole && step < 1); ++k) step *= k % 3 == 1 ? 2.5 : 2;
    std::vector<double> all;
    for (double n = std::ceil(low / step); n <= std::floor(high / step); ++n) all.push_back(n == 0 ? 0 : n * step);
    return all;
  }

 private:
  std::vector<double> logarithmic_ticks(int most) const {
    const int first = static_cast<int>(std::floor(std::log10(low))), last = static_cast<int>(std::floor(std::log10(high)));
    for (const std::vector<double>& of_decade : {std::vector<double>{1, 2, 5}, std::vector<double>{1}})
      for (int decades = 1; decades <= (of_decade.size() == 1 ? 1000 : 1); ++decades) {
        std::vector<double> all;
        for (int e = first; e <= last; ++e)
          for (const double m : of_decade)
            if (const double v = m * std::pow(10.0, e); e % decades == 0 && v >= low && v <= high) all.push_back(v);
        if (static_cast<int>(all.size()) <= most) return all;
      }
    return {};
  }
};

/// A number of an axis as text: up to six digits, none of them a trailing zero.
inline std::string tick_label(double v) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", v);
  return text;
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
