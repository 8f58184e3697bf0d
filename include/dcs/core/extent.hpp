// One axis of a shape. An extent is a 128-bit integer inside the type: a size where it is 0 or more. A size known only at run time is a negative
// value that packs an expression over names, such as height/2-1, a+b or (2·height − 3) / 4: a sum of names with whole factors as text (terms sorted
// by name), an offset and a divisor. Its size is ceil((sum − offset) / divisor). Packing is injective (40^19 texts × 2 × 4096 offsets × 4096 divisors
// < 2^127) and expressions are normalised (extent_algebra.hpp), so equal expressions are equal values and a compiler's message can spell them. Plain
// integers, because nvcc does not compile string or array template arguments in types that a kernel uses.
#pragma once

#include <dcs/core/header_begin.inl>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

DCS_EXACT_MATH
namespace dcs {

/// A size at run time.
using extent_t = std::int64_t;
/// An extent inside a type, for template parameters and constants: a size, or an expression over names (dyn, plus, times, ...).
__extension__ typedef __int128 extent;

namespace detail {

template <std::size_t N>
struct fixed_string {
  char text[N]{};
  constexpr fixed_string(const char (&s)[N]) {  // NOLINT: implicit, so that dyn<"roi"> reads as it does
    for (std::size_t i = 0; i < N; ++i) text[i] = s[i];
  }
  static constexpr std::size_t size = N - 1;
};

// Text is a number of 19 digits in base 40, its first letter the most significant digit, with zeros behind its last letter.
inline constexpr int text_limit = 19, text_base = 40;
constexpr char text_letters[] = " abcdefghijklmnopqrstuvwxyz0123456789_+*";

constexpr int letter_code(char c) {
  if (c >= 'a' && c <= 'z') return c - 'a' + 1;
  if (c >= '0' && c <= '9') return c - '0' + 27;
  return c == '_' ? 37 : c == '+' ? 38 : c == '*' ? 39 : 0;
}
constexpr extent text_of(const char* s, int length) {
  extent text = 0;
  for (int i = 0; i < text_limit; ++i) text = text * text_base + (i < length ? letter_code(s[i]) : 0);
  return text;
}

struct name_letters {
  char text[text_limit + 1]{};
  int length = 0;
};
constexpr name_letters letters_of(extent text) {
  constexpr extent_t block = extent_t{1600} * 1600 * 1600 * 1600 * 1600;  // 40^10: two numbers of 64 bits are faster to divide than one of 128
  extent_t part[] = {static_cast<extent_t>(text / block), static_cast<extent_t>(text % block)};
  name_letters l;
  for (int i = text_limit; i-- > 0;) {
    extent_t& digits = part[i >= text_limit - 10];
    l.text[i] = digits % text_base == 0 ? '\0' : text_letters[digits % text_base];
    digits /= text_base;
  }
  while (l.length < text_limit && l.text[l.length] != '\0') ++l.length;
  return l;
}

// What a named extent packs. Composite: its text is more than one name.
struct named_parts {
  extent text;
  bool composite;
  extent_t offset, divisor;
};
inline constexpr extent_t offset_limit = 2047, divisor_limit = 4096;

constexpr extent pack(const named_parts& p) { return -(((p.text * 2 + (p.composite ? 1 : 0)) * 4096 + (p.offset + 2048)) * 4096 + (p.divisor - 1)); }
constexpr named_parts unpack(extent e) {
  const extent v = -e;
  return {v >> 25, (v >> 24 & 1) != 0, static_cast<extent_t>(v >> 12 & 4095) - 2048, static_cast<extent_t>(v & 4095) + 1};
}
constexpr bool is_composite(extent e) { return e < 0 && ((-e) >> 24 & 1) != 0; }

// Every text has a first letter, so that named extents are below this number. Negative numbers of 64 bits are above it: an extent that was stored in
// 64 bits is not mistaken for another.
inline constexpr extent first_named = -(text_of("a", 1) << 25);
// The result of an expression that cannot be packed; shape<> refuses it.
inline constexpr extent unrepresentable = -(extent{1} << 64);
constexpr bool is_number(extent e) { return e > unrepresentable; }
constexpr bool is_valid(extent e) { return e >= 0 || e <= first_named; }

template <std::size_t N>
constexpr bool is_name(const fixed_string<N>& s) {
  for (std::size_t i = 0; i + 1 < N; ++i)
    if (letter_code(s.text[i]) == 0 || letter_code(s.text[i]) > 37) return false;
  return N >= 2;
}
template <fixed_string Name>
constexpr extent dynamic_extent() {
  static_assert(Name.size <= text_limit, "dcs::dyn: the name of an extent has at most 19 characters");
  static_assert(is_name(Name), "dcs::dyn: the name of an extent is made of lower-case letters, digits and underscores");
  return pack({text_of(Name.text, static_cast<int>(Name.size)), false, 0, 1});
}

}  // namespace detail

/// An extent known only at run time, with a name of 1 to 19 lower-case letters, digits and underscores: `shape<dyn<"roi">, 64, 64, 256>`. Equal names
/// mean equal sizes; operands of different names do not combine until a check renames one (`as<shape<...>>`).
template <detail::fixed_string Name>
inline constexpr extent dyn = detail::dynamic_extent<Name>();

constexpr bool is_static(extent e) { return e >= 0; }
constexpr bool is_dynamic(extent e) { return e < 0; }

namespace detail {

// The letters of an extent, without memory, so that they can become template arguments.
struct spelling {
  char text[64]{};
  int length = 0;
  constexpr void add(char c) { text[length++] = c; }
  constexpr void add_number(extent n) {
    char digits[40]{};
    int k = 0;
    if (n < 0) add('-'), n = -n;
    do digits[k++] = static_cast<char>('0' + static_cast<int>(n % 10));
    while ((n /= 10) != 0);
    while (k > 0) add(digits[--k]);
  }
  constexpr void subtract(extent_t n) {
    if (n == 0) return;
    add(n > 0 ? '-' : '+');
    add_number(n > 0 ? n : -n);
  }
};
// The part of an offset that the divisor divides stands behind the division, as in height/2-1, and what is left of it before, as in (height-1)/2.
constexpr spelling spell(extent e) {
  spelling s;
  if (is_number(e)) {
    s.add_number(e);
    return s;
  }
  if (!is_valid(e)) {
    s.add('?');
    return s;
  }
  const named_parts p = unpack(e);
  const extent_t within = p.offset % p.divisor;
  const name_letters l = letters_of(p.text);
  bool sum = within != 0;
  for (int i = 0; i < l.length; ++i) sum = sum || l.text[i] == '+';
  const bool bracket = sum && p.divisor != 1;
  if (bracket) s.add('(');
  for (int i = 0; i < l.length; ++i) s.add(l.text[i]);
  s.subtract(within);
  if (bracket) s.add(')');
  if (p.divisor != 1) {
    s.add('/');
    s.add_number(p.divisor);
  }
  s.subtract((p.offset - within) / p.divisor);
  return s;
}

}  // namespace detail

/// An extent as messages show it: 64, roi, height/4, height*2-1, a+b.
inline std::string to_string(extent e) {
  const auto s = detail::spell(e);
  return {s.text, static_cast<std::size_t>(s.length)};
}

// Operands of a failed check, for the compiler to print: found_extent<64>; for a named extent its letters, found_extent<-1, 'a', '+', 'b'>, where -1
// stands for the size that is not known.
template <extent_t Size, char... Letters>
struct found_extent {
  static constexpr bool named = sizeof...(Letters) > 0;
};
template <extent_t Size, char... Letters>
struct expected_extent {
  static constexpr bool named = sizeof...(Letters) > 0;
};
/// The axis that a failed check is about.
template <int Axis>
struct axis {};

namespace detail {

template <template <extent_t, char...> class Holder, extent E, bool Number = is_number(E)>
struct spelled {
  using type = Holder<static_cast<extent_t>(E)>;
};
template <template <extent_t, char...> class Holder, extent E>
struct spelled<Holder, E, false> {
  static constexpr spelling letters = spell(E);
  template <std::size_t... I>
  static auto make(std::index_sequence<I...>) -> Holder<-1, letters.text[I]...>;
  using type = decltype(make(std::make_index_sequence<static_cast<std::size_t>(letters.length)>{}));
};

}  // namespace detail

template <extent E>
using found = typename detail::spelled<found_extent, E>::type;
template <extent E>
using expected = typename detail::spelled<expected_extent, E>::type;

/// For a check of a bound, the expected value: the value itself where it is within the bound, else the bound.
constexpr extent at_least(extent value, extent bound) { return value < bound ? bound : value; }
constexpr extent at_most(extent value, extent bound) { return value > bound ? bound : value; }
/// The number of axes of a shape if `axis` (counted from the end where negative) is one of them, else the smallest number of axes that has it.
constexpr extent_t axes_with(int axis, extent_t rank) {
  const extent_t needed = axis < 0 ? -axis : axis + 1;
  return rank < needed ? needed : rank;
}

/// The condition of a check: NAME<found<..>, expected<..>, axis<..>> is a class with `static_assert(same_extent<Found, Expected>, TEXT)`.
/// Instantiating it, `verify(check_of<NAME<...>>)`, is an error with TEXT unless both are equal. The text of a static_assert is a literal in C++20,
/// so the numbers travel in the name of the type, which g++, clang and nvcc all print. A variable and not a comparison, which compilers explain at
/// length.
template <class Found, class Expected>
inline constexpr bool same_extent = false;
template <extent_t Size, char... Letters>
inline constexpr bool same_extent<found_extent<Size, Letters...>, expected_extent<Size, Letters...>> = true;

/// Instantiates a check. The call's argument-dependent lookup does, and it is a valid call also where the check fails: clang does not compile the
/// second call of a function in whose body a check's own value could not be made, and tells of that in a second message.
template <class Check>
inline constexpr Check* check_of = nullptr;
constexpr void verify(const void*) {}

// The same in one line. The message is longer by the lines with which compilers tell of a macro, so the library's own checks are written out.
#define DCS_DEFINE_EXTENT_CHECK(NAME, TEXT)                   \
  template <class Found, class Expected, class Axis>          \
  struct NAME {                                               \
    static_assert(::dcs::same_extent<Found, Expected>, TEXT); \
  }

}  // namespace dcs

#include <dcs/core/header_end.inl>
