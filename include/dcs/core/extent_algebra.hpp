// Expressions over extents: sums, differences, multiples, quotients, and what windows make of an extent (convolution, pooling) and transposed
// windows. Every result is normalised, so that equal expressions are equal types: terms are sorted by name, a + a is a·2, and a factor that the sum
// and the divisor share is cancelled. The last is exact, since ceil((g·t − o) / (g·d)) = ceil((t − ⌊o / g⌋) / d) for whole numbers.
//
// A multiple of a quotient, as of height/2, is not a quotient again: twice the half of 5, rounded up, is 6. Such a result describes the sizes for
// which the quotient is exact. For others the map's size differs from that of other maps of that extent, and an op over both throws at run time.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/extent.hpp>

#include <concepts>
#include <initializer_list>

DCS_EXACT_MATH
namespace dcs {

namespace detail {

constexpr extent floor_of(extent a, extent b) { return a >= 0 ? a / b : -((b - 1 - a) / b); }
constexpr extent common_factor(extent a, extent b) {
  for (a = a < 0 ? -a : a, b = b < 0 ? -b : b; b != 0;) {
    const extent rest = a % b;
    a = b, b = rest;
  }
  return a;
}

// Σ factor · name, sorted by name. A text of 19 characters has at most 10 names.
struct term {
  extent name, factor;
};
struct linear {
  term terms[10]{};
  int count = 0;
  bool fits = true;
  constexpr void add(term t) {
    if (t.factor == 0) return;
    fits = fits && count < 10 && t.factor > 0;
    if (fits) terms[count++] = t;
  }
};

constexpr linear linear_of(const named_parts& p) {
  linear sum;
  if (!p.composite) {
    sum.add({p.text, 1});
    return sum;
  }
  const name_letters l = letters_of(p.text);
  for (int i = 0; i < l.length; ++i) {
    const int begin = i;
    while (i < l.length && l.text[i] != '+' && l.text[i] != '*') ++i;
    term t{text_of(l.text + begin, i - begin), 1};
    if (i < l.length && l.text[i] == '*')
      for (t.factor = 0, ++i; i < l.length && l.text[i] != '+'; ++i) t.factor = t.factor * 10 + (l.text[i] - '0');
    sum.add(t);
  }
  return sum;
}

// The canonical text, or 0 where it is too long.
constexpr extent text_of(const linear& sum) {
  spelling s;
  for (int i = 0; i < sum.count; ++i) {
    const name_letters name = letters_of(sum.terms[i].name);
    if (s.length + name.length + 1 > text_limit + 1) return 0;
    if (i > 0) s.add('+');
    for (int k = 0; k < name.length; ++k) s.add(name.text[k]);
    if (sum.terms[i].factor != 1) {
      s.add('*');
      s.add_number(sum.terms[i].factor);
    }
  }
  return s.length > text_limit ? 0 : text_of(s.text, s.length);
}

// k · a + m · b
constexpr linear combined(const linear& a, extent k, const linear& b, extent m) {
  linear sum;
  sum.fits = a.fits && b.fits;
  for (int i = 0, j = 0; i < a.count || j < b.count;) {
    const bool left = j == b.count || (i < a.count && a.terms[i].name <= b.terms[j].name);
    const bool right = i == a.count || (j < b.count && b.terms[j].name <= a.terms[i].name);
    sum.add({left ? a.terms[i].name : b.terms[j].name, (left ? k * a.terms[i].factor : 0) + (right ? m * b.terms[j].factor : 0)});
    i += left, j += right;
  }
  return sum;
}

// ceil((sum − offset) / divisor), which is a number where no name is left.
constexpr extent packed(linear sum, extent offset, extent divisor) {
  if (!sum.fits) return unrepresentable;
  if (sum.count == 0) return -floor_of(offset, divisor);
  extent common = divisor;
  for (int i = 0; i < sum.count; ++i) common = common_factor(common, sum.terms[i].factor);
  for (int i = 0; i < sum.count; ++i) sum.terms[i].factor /= common;
  offset = floor_of(offset, common), divisor /= common;
  const extent text = text_of(sum);
  if (text == 0 || offset > offset_limit || -offset > offset_limit || divisor > divisor_limit) return unrepresentable;
  return pack({text, sum.count > 1 || sum.terms[0].factor != 1, static_cast<extent_t>(offset), static_cast<extent_t>(divisor)});
}

struct expression_parts {
  linear sum;
  extent offset, divisor;
};
constexpr expression_parts parts_of(extent e) {
  if (is_number(e)) return {{}, -e, 1};
  const named_parts p = unpack(e);
  return {linear_of(p), p.offset, p.divisor};
}

// a + sign · b. A sum with a whole number, or of which one part was never divided, is exact. Of two quotients it is exact where both are.
constexpr extent sum_of(extent a, extent b, int sign) {
  if (is_number(a) && is_number(b)) return a + sign * b;
  if (!(is_number(a) || is_valid(a)) || !(is_number(b) || is_valid(b))) return unrepresentable;
  const expression_parts p = parts_of(a), q = parts_of(b);
  const extent divisor = p.divisor / common_factor(p.divisor, q.divisor) * q.divisor, k = divisor / p.divisor, m = divisor / q.divisor * sign;
  extent offset = k * p.offset + m * q.offset;
  if (p.divisor > 1 && q.divisor > 1) {
    const extent whole = floor_of(p.offset, p.divisor) + sign * floor_of(q.offset, q.divisor);
    if (floor_of(offset, divisor) != whole) offset = whole * divisor;
  } else if (sign < 0 && q.divisor > 1) {
    offset += q.divisor - 1;  // a whole number less a quotient that is rounded up is one that is rounded down
  }
  return packed(combined(p.sum, k, q.sum, m), offset, divisor);
}

constexpr extent sum_of_all(std::initializer_list<extent> extents) {
  extent sum = 0;
  for (const extent e : extents) sum = sum_of(sum, e, 1);
  return sum;
}

// An extent as a whole number times one that has no such factor: height*2-4 as 2 and height-2, a number as itself and 1.
struct factored {
  extent factor, rest;
};
constexpr factored factored_of(extent e) {
  if (is_static(e)) return {e, 1};
  const named_parts p = unpack(e);
  if (!p.composite || p.divisor != 1) return {1, e};
  linear sum = linear_of(p);
  extent factor = p.offset;
  for (int i = 0; i < sum.count; ++i) factor = common_factor(factor, sum.terms[i].factor);
  for (int i = 0; i < sum.count; ++i) sum.terms[i].factor /= factor;
  return {factor, packed(sum, p.offset / factor, 1)};
}

// Where the divisor divides the sum of names t, e is t / divisor − m for a whole number m, and a transposed window makes it stride · t / divisor −
// `lost`. Several extents describe that size: height/2 and (height−1)/2 are both half of an even height, but one rounds up and one down for an odd
// height. The first choice is the extent that this very window, applied forwards, turns into e, as a map that was downsampled to e has that extent.
// Where there is none, as for a window of other numbers, the rounding of e is kept.
constexpr extent transposed_window(extent e, extent kernel, extent stride, extent padding, extent output_padding, extent dilation) {
  if (!is_valid(e) || stride < 1) return unrepresentable;
  const expression_parts p = parts_of(e);
  const extent shared = common_factor(p.divisor, stride), divisor = p.divisor / shared, factor = stride / shared;
  const extent reach = dilation * (kernel - 1) - 2 * padding, whole = floor_of(p.offset, p.divisor);
  const extent lost = stride * (whole + 1) - reach - output_padding - 1;
  extent offset = factor * p.offset - reach * divisor;
  if (floor_of(offset, divisor) != lost) offset = lost * divisor + (p.offset - whole * p.divisor) / shared;
  return packed(combined(p.sum, factor, {}, 0), offset, divisor);
}

}  // namespace detail

// Expressions for the template arguments of a shape: shape<dyn<"batch">, plus(dyn<"tokens">, 1), 64>. What cannot be packed (a text of more than 19
// characters as in height*2+width, an offset beyond ±2047, a divisor above 4096, a name with a negative factor, a product of names) is refused by
// shape<>, with an error.

/// a + b.
constexpr extent plus(extent a, extent b) { return detail::sum_of(a, b, 1); }
/// a − b. Every name of b must occur in a, as in minus(plus(a, b), a).
constexpr extent minus(extent a, extent b) { return detail::sum_of(a, b, -1); }
/// e · k for a number k of at least 0. times(height/4, 2) is height/2: it assumes that 4 divides the height.
constexpr extent times(extent e, extent k) {
  if (k < 0 || !detail::is_valid(e)) return detail::unrepresentable;
  return is_static(e) ? e * k : k == 0 ? 0 : detail::transposed_window(e, k, k, 0, 0, 1);
}
/// e / k for a number k of at least 1, rounded up: what a window of size 1 and stride k makes of e. windowed(e, k, k, 0) rounds down.
constexpr extent divided(extent e, extent k) {
  if (k < 1 || !detail::is_valid(e)) return detail::unrepresentable;
  if (is_static(e)) return (e + k - 1) / k;
  const auto p = detail::parts_of(e);
  return detail::packed(p.sum, p.offset, p.divisor * k);
}

/// The extent after a window slides over it (convolution, pooling): ⌊(e + 2·padding − dilation·(kernel − 1) − 1) / stride⌋ + 1, or 0 where that is
/// negative.
template <std::integral Size>
constexpr extent_t windowed(Size size, extent_t kernel, extent_t stride, extent_t padding, extent_t dilation = 1) {
  const extent_t n = static_cast<extent_t>(size), reach = dilation * (kernel - 1) - 2 * padding;
  return n - reach <= 0 ? 0 : (n - reach - 1) / stride + 1;
}
constexpr extent windowed(extent e, extent_t kernel, extent_t stride, extent_t padding, extent_t dilation = 1) {
  if (is_static(e)) return windowed(static_cast<extent_t>(e), kernel, stride, padding, dilation);
  if (!detail::is_valid(e)) return detail::unrepresentable;
  const extent_t reach = dilation * (kernel - 1) - 2 * padding;
  const auto p = detail::unpack(e);
  const extent offset = p.offset + extent{reach} * p.divisor, divisor = extent{p.divisor} * stride;
  if (p.composite) return detail::packed(detail::linear_of(p), offset, divisor);
  if (offset > detail::offset_limit || -offset > detail::offset_limit || divisor > detail::divisor_limit) return detail::unrepresentable;
  return detail::pack({p.text, false, static_cast<extent_t>(offset), static_cast<extent_t>(divisor)});
}
/// Whether windowed() of this extent can be expressed (a chain of windows may exceed offset ±2047 or stride 4096).
constexpr bool windowed_fits(extent e, extent_t kernel, extent_t stride, extent_t padding, extent_t dilation) {
  return is_static(e) || detail::is_valid(windowed(e, kernel, stride, padding, dilation));
}

/// The extent after a transposed convolution, the inverse of windowed(): (e − 1)·stride − 2·padding + dilation·(kernel − 1) + output_padding + 1; 0
/// where that is less than 1. height becomes height*2 with stride 2 and kernel 2. A named extent that was divided becomes what the convolution back
/// divides: height/4 becomes height/2, which assumes that 4 divides the height.
template <std::integral Size>
constexpr extent_t unwindowed(Size size, extent_t kernel, extent_t stride, extent_t padding, extent_t output_padding = 0, extent_t dilation = 1) {
  const extent_t e = static_cast<extent_t>(size), n = (e - 1) * stride - 2 * padding + dilation * (kernel - 1) + output_padding + 1;
  return e < 1 || n < 1 ? 0 : n;
}
constexpr extent unwindowed(extent e, extent_t kernel, extent_t stride, extent_t padding, extent_t output_padding = 0, extent_t dilation = 1) {
  if (is_static(e)) return unwindowed(static_cast<extent_t>(e), kernel, stride, padding, output_padding, dilation);
  return detail::transposed_window(e, kernel, stride, padding, output_padding, dilation);
}
/// Whether unwindowed() of this extent can be expressed.
constexpr bool unwindowed_fits(extent e, extent_t kernel, extent_t stride, extent_t padding, extent_t output_padding, extent_t dilation = 1) {
  return is_static(e) || detail::is_valid(unwindowed(e, kernel, stride, padding, output_padding, dilation));
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
