// Checks of sizes that are known only at run time. An array exists only where the product of its sizes, and its bytes, are at most 2^60, so that
// products of the sizes of existing arrays do not overflow 64 bits unnoticed. Extents of equal names must have equal sizes, and those of expressions
// (height/2, a+b) sizes that fit their names', which is checked over all operands of an op (size_agreement.hpp). None of these functions is a
// template over shapes, so that each exists once in a program.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/error.hpp>
#include <dcs/core/extent_algebra.hpp>

#include <array>
#include <initializer_list>

DCS_EXACT_MATH
namespace dcs {

/// The most elements, and the most bytes, of one array: 2^60. No machine has as much memory, and what kernels add to a size (padding, tiles, wider
/// numbers) stays far from the end of 64 bits.
inline constexpr extent_t largest_product = extent_t{1} << 60;

namespace detail {

// Whether n · e is at most largest_product; both are at least 1. The comparison of bits spares the division in the usual case, where both are small.
constexpr bool product_fits(extent_t n, extent_t e) { return ((n | e) >> 30) == 0 || e <= largest_product / n; }

// unit · Π s; −1 where a size is negative or the product is too large. Sizes of 0 are left out of the product: kernels multiply some of an array's
// sizes before they check that it is empty, so the other sizes must not overflow either.
constexpr extent_t product_or_none(const extent_t* s, std::size_t rank, extent_t unit = 1) {
  extent_t n = unit;
  bool empty = false;
  for (std::size_t i = 0; i < rank; ++i) {
    if (s[i] == 0) {
      empty = true;
      continue;
    }
    if (s[i] < 0 || !product_fits(n, s[i])) return -1;
    n *= s[i];
  }
  return empty ? 0 : n;
}
// Whether the static extents of a type fit: their product alone counts, as named extents may be 1.
constexpr bool static_product_fits(std::initializer_list<extent> extents, extent_t unit) {
  for (const extent e : extents) {
    if (e <= 0) continue;
    if (e > largest_product || !product_fits(unit, static_cast<extent_t>(e))) return false;
    unit *= static_cast<extent_t>(e);
  }
  return true;
}
template <class E, std::size_t R>
constexpr bool static_product_fits(const std::array<E, R>& extents, extent_t unit) {
  for (const E e : extents) {
    if (e > 0 && !product_fits(unit, static_cast<extent_t>(e))) return false;
    if (e > 0) unit *= static_cast<extent_t>(e);
  }
  return true;
}

// How messages list extents of a type, which may be names, and sizes, which are numbers.
inline std::string listed(const extent* e, std::size_t rank) {
  std::string text = "[";
  for (std::size_t i = 0; i < rank; ++i) text += (i ? ", " : "") + to_string(e[i]);
  return text + "]";
}
inline std::string listed_numbers(const extent_t* s, std::size_t rank) {
  std::string text = "[";
  for (std::size_t i = 0; i < rank; ++i) text += (i ? ", " : "") + std::to_string(s[i]);
  return text + "]";
}

[[noreturn, gnu::cold, gnu::noinline]] inline void refuse_sizes(const char* op, const extent_t* s, std::size_t rank, extent_t unit) {
  for (std::size_t i = 0; i < rank; ++i)
    if (s[i] < 0) fail(op, ": sizes ", listed_numbers(s, rank), " are negative at axis ", i, "; expected at least 0");
  if (unit == 1) fail(op, ": the product of the sizes ", listed_numbers(s, rank), " is above 2^60");
  fail(op, ": elements of ", unit, " bytes in sizes ", listed_numbers(s, rank), " are more than 2^60 bytes");
}
// unit · Π s. Throws where a size is negative or the product is above largest_product.
[[gnu::noinline]] inline extent_t checked_product(const char* op, const extent_t* s, std::size_t rank, extent_t unit = 1) {
  const extent_t n = product_or_none(s, rank, unit);
  if (n < 0) refuse_sizes(op, s, rank, unit);
  return n;
}
inline extent_t checked_product(const char* op, std::initializer_list<extent_t> s, extent_t unit = 1) {
  return checked_product(op, s.begin(), s.size(), unit);
}

// A size for a kernel that counts in 32 bits.
inline int narrow_size(const char* op, extent_t n) {
  expect(n >= 0 && n <= 0x7FFFFFFF, op, ": a size of ", n, "; the kernels of a GPU take at most 2147483647");
  return static_cast<int>(n);
}

// The product of sizes [begin, end) of an existing array, which cannot overflow.
template <std::size_t R>
constexpr extent_t product(const std::array<extent_t, R>& s, std::size_t begin, std::size_t end) {
  extent_t n = 1;
  for (std::size_t i = begin; i < end; ++i) n *= s[i];
  return n;
}

// An array of no images or regions (a first extent of 0) is empty; any other extent of 0 is an error.
[[gnu::noinline]] inline void expect_inner(const char* op, const extent_t* s, std::size_t rank) {
  for (std::size_t i = 1; i < rank && s[0] > 0; ++i)
    if (s[i] <= 0) fail(op, ": sizes ", listed_numbers(s, rank), " are 0 at axis ", i, "; expected at least 1 along every axis but the first");
}
template <std::size_t R>
void expect_inner(const char* op, const std::array<extent_t, R>& s) {
  expect_inner(op, s.data(), R);
}

}  // namespace detail
}  // namespace dcs

#include <dcs/core/header_end.inl>
