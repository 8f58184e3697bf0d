// One axis of a shape. An extent is a 64-bit value inside the type: a size when it is 0 or more; a negative value encodes a size known only at run
// time: its name, and what convolutions have made of it since (an offset and a divisor). Packing is injective (37^9 names × 256 offsets × 256
// divisors < 2^63), so equal meanings are equal values and a compiler's message can spell them. Plain integers, because nvcc does not compile string
// or array template arguments in types that a kernel uses.
#pragma once

#include <dcs/core/header_begin.inl>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

DCS_EXACT_MATH
namespace dcs {

using extent_t = std::int64_t;

namespace detail {

template <std::size_t N>
struct fixed_string {
  char text[N]{};
  constexpr fixed_string(const char (&s)[N]) {  // NOLINT: implicit, so that dyn<"roi"> reads as it does
    for (std::size_t i = 0; i < N; ++i) text[i] = s[i];
  }
  static constexpr std::size_t size = N - 1;
};

constexpr int letter_code(char c) { return c >= 'a' && c <= 'z' ? c - 'a' + 1 : c >= '0' && c <= '9' ? c - '0' + 27 : 0; }
constexpr char code_letter(int code) { return code <= 26 ? static_cast<char>('a' + code - 1) : static_cast<char>('0' + code - 27); }

inline constexpr int name_limit = 9;

template <std::size_t N>
constexpr bool is_name(const fixed_string<N>& s) {
  for (std::size_t i = 0; i + 1 < N; ++i)
    if (letter_code(s.text[i]) == 0) return false;
  return N >= 2;
}

template <std::size_t N>
constexpr extent_t pack_name(const fixed_string<N>& s) {
  extent_t packed = 0;
  for (std::size_t i = 0; i < static_cast<std::size_t>(name_limit); ++i) packed = packed * 37 + (i + 1 < N ? letter_code(s.text[i]) : 0);
  return packed;
}

// The size is ceil((name - offset) / divisor).
struct dynamic_parts {
  extent_t name;
  extent_t offset;
  extent_t divisor;
};

constexpr bool representable(dynamic_parts p) { return p.offset >= -128 && p.offset <= 127 && p.divisor >= 1 && p.divisor <= 255; }
constexpr extent_t pack(dynamic_parts p) { return -((p.name * 256 + (p.offset + 128)) * 256 + p.divisor); }
constexpr dynamic_parts unpack(extent_t e) {
  const extent_t v = -e;
  return {v / 65536, v / 256 % 256 - 128, v % 256};
}

constexpr char name_letter(extent_t e, int i) {
  extent_t name = unpack(e).name;
  for (int k = name_limit - 1; k > i; --k) name /= 37;
  return name % 37 == 0 ? '\0' : code_letter(static_cast<int>(name % 37));
}
constexpr int name_length(extent_t e) {
  int n = 0;
  while (n < name_limit && name_letter(e, n) != '\0') ++n;
  return n;
}

template <fixed_string Name>
constexpr extent_t dynamic_extent() {
  static_assert(Name.size <= name_limit, "dcs::dyn: the name of an extent has at most nine characters");
  static_assert(is_name(Name), "dcs::dyn: the name of an extent is made of lower-case letters and digits");
  return pack({pack_name(Name), 0, 1});
}

}  // namespace detail

/// An extent known only at run time, with a name of one to nine lower-case letters and digits: `shape<dyn<"roi">, 64, 64, 256>`. Equal names mean
/// equal sizes; operands of different names do not combine until a check renames one (`as<shape<...>>`).
template <detail::fixed_string Name>
inline constexpr extent_t dyn = detail::dynamic_extent<Name>();

constexpr bool is_static(extent_t e) { return e >= 0; }
constexpr bool is_dynamic(extent_t e) { return e < 0; }

/// Whether windowed() of this extent can be expressed (a chain of windows may exceed offset ±127 or stride 255).
constexpr bool windowed_fits(extent_t e, extent_t kernel, extent_t stride, extent_t padding, extent_t dilation) {
  if (is_static(e)) return true;
  const auto p = detail::unpack(e);
  return detail::representable({p.name, p.offset + (dilation * (kernel - 1) - 2 * padding) * p.divisor, p.divisor * stride});
}

/// The extent after a window slides over it (convolution, pooling): ⌊(e + 2·padding − dilation·(kernel − 1) − 1) / stride⌋ + 1.
constexpr extent_t windowed(extent_t e, extent_t kernel, extent_t stride, extent_t padding, extent_t dilation = 1) {
  const extent_t reach = dilation * (kernel - 1) - 2 * padding;
  if (is_static(e)) return e - reach <= 0 ? 0 : (e - reach - 1) / stride + 1;
  const auto p = detail::unpack(e);
  return detail::pack({p.name, p.offset + reach * p.divisor, p.divisor * stride});
}

namespace detail {
// Where the divisor divides the named size n, e is n / divisor − m for a whole number m, and a transposed window makes it n / (divisor / stride) −
// `lost`. Two extents describe that size: height/2 and (height−1)/2 are both half of an even height, but one rounds up and one down for an odd
// height. The first choice is the extent that this very window, applied forwards, turns into e, as a map that was downsampled to e has that extent.
// Where there is none, as for a window of other numbers, the rounding of e is kept.
constexpr dynamic_parts unwindowed_parts(extent_t e, extent_t kernel, extent_t stride, extent_t padding, extent_t output_padding, extent_t dilation) {
  const auto p = unpack(e);
  const extent_t divisor = p.divisor < stride ? 1 : p.divisor / stride, reach = dilation * (kernel - 1) - 2 * padding;
  const auto floor_of = [](extent_t a, extent_t b) { return a >= 0 ? a / b : -((b - 1 - a) / b); };
  const extent_t lost = stride * (floor_of(p.offset, p.divisor) + 1) - reach - output_padding - 1;
  const extent_t back = p.offset - reach * divisor;
  if (floor_of(back, divisor) == lost) return {p.name, back, divisor};
  return {p.name, lost * divisor + (p.offset - floor_of(p.offset, p.divisor) * p.divisor) / stride, divisor};
}
}  // namespace detail

/// Whether unwindowed() of this extent can be expressed: a named extent must have been divided by a multiple of the stride before.
constexpr bool unwindowed_fits(extent_t e, extent_t kernel, extent_t stride, extent_t padding, extent_t output_padding, extent_t dilation = 1) {
  if (is_static(e)) return true;
  return detail::unpack(e).divisor % stride == 0 &&
         detail::representable(detail::unwindowed_parts(e, kernel, stride, padding, output_padding, dilation));
}

/// The extent after a transposed convolution, the inverse of windowed(): (e − 1)·stride − 2·padding + dilation·(kernel − 1) + output_padding + 1; 0
/// where that is less than 1. For a named extent the result assumes that the named size is a multiple of the divisor: height/4 becomes height/2 with
/// stride 2 and kernel 2. For other sizes the map's size differs from that of other maps of that extent, and an op over both throws at run time.
constexpr extent_t unwindowed(extent_t e, extent_t kernel, extent_t stride, extent_t padding, extent_t output_padding = 0, extent_t dilation = 1) {
  if (is_dynamic(e)) return detail::pack(detail::unwindowed_parts(e, kernel, stride, padding, output_padding, dilation));
  const extent_t n = (e - 1) * stride - 2 * padding + dilation * (kernel - 1) + output_padding + 1;
  return e < 1 || n < 1 ? 0 : n;
}

/// An extent as messages show it: 64, roi, height/4.
inline std::string to_string(extent_t e) {
  if (is_static(e)) return std::to_string(e);
  const auto p = detail::unpack(e);
  std::string s;
  for (int i = 0; i < detail::name_length(e); ++i) s += detail::name_letter(e, i);
  if (p.offset != 0) {
    s += p.offset > 0 ? '-' : '+';
    s += std::to_string(p.offset > 0 ? p.offset : -p.offset);
  }
  if (p.divisor != 1) {
    if (p.offset != 0) {
      s.insert(s.begin(), '(');
      s += ')';
    }
    s += '/';
    s += std::to_string(p.divisor);
  }
  return s;
}

// Operands of a failed check, for the compiler to print: found<64>, or found<-8…, 'r', 'o', 'i'> for a named extent.
template <extent_t E, char... Name>
struct found_extent {
  static constexpr extent_t value = E;
};
template <extent_t E, char... Name>
struct expected_extent {
  static constexpr extent_t value = E;
};
/// The axis that a failed check is about.
template <int Axis>
struct axis {};

namespace detail {
template <template <extent_t, char...> class Holder, extent_t E>
struct spelled {
  template <std::size_t... I>
  static auto make(std::index_sequence<I...>) -> Holder<E, name_letter(E, static_cast<int>(I))...>;
  using type = decltype(make(std::make_index_sequence<static_cast<std::size_t>(is_dynamic(E) ? name_length(E) : 0)>{}));
};
}  // namespace detail

template <extent_t E>
using found = typename detail::spelled<found_extent, E>::type;
template <extent_t E>
using expected = typename detail::spelled<expected_extent, E>::type;

/// For a check of a bound, the expected value: the value itself where it is within the bound, else the bound.
constexpr extent_t at_least(extent_t value, extent_t bound) { return value < bound ? bound : value; }
constexpr extent_t at_most(extent_t value, extent_t bound) { return value > bound ? bound : value; }
/// The number of axes of a shape if `axis` (counted from the end where negative) is one of them, else the smallest number of axes that has it.
constexpr extent_t axes_with(int axis, extent_t rank) { return at_least(rank, axis < 0 ? -axis : axis + 1); }

// Defines the check NAME<found<..>, expected<..>, axis<..>>: instantiating it (`NAME<...>{}`) is an error with TEXT unless both are equal. The
// text of a static_assert is a literal in C++20, so the numbers travel in the name of the type, which g++, clang and nvcc all print.
#define DCS_DEFINE_EXTENT_CHECK(NAME, TEXT)               \
  template <class Found, class Expected, class Axis>      \
  struct NAME {                                           \
    static_assert(Found::value == Expected::value, TEXT); \
  }

}  // namespace dcs

#include <dcs/core/header_end.inl>
