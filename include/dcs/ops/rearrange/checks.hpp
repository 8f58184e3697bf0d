// What slice, concat and permute check of shapes at compile time. Where one of these finds a mistake, the op returns a value of the most plausible
// type, so that no other error follows.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/shape.hpp>

DCS_EXACT_MATH
namespace dcs {

template <class Found, class Expected, class Axis>
struct slice_axis_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::slice: no such axis; number of axes");
};
template <class Found, class Expected, class Axis>
struct slice_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::slice: begin + length must not exceed the extent of the axis; beyond it");
};
template <class Found, class Expected, class Axis>
struct concat_mismatch {
  static constexpr bool equal = same_extent<Found, Expected>, named = Found::named || Expected::named;
  static_assert(equal || named,
                "dcs::concat: the operands must be equal along every other axis; for maps of two sizes, try: resize_bilinear_like(x, "
                "skip)");
  static_assert(equal || !named,
                "dcs::concat: the operands must be equal along every other axis; equal names are equal sizes: is one misspelt? try: "
                "as<shape<...>>(x) with the other's name");
};
template <class Found, class Expected, class Axis>
struct concat_rank_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::concat: the operands must have the same number of axes");
};
template <class Found, class Expected, class Axis>
struct permute_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::permute: every axis of the operand must be named once; number of axes");
};
template <class Found, class Expected, class Axis>
struct permute_twice {
  static_assert(same_extent<Found, Expected>, "dcs::permute: every axis of the operand must be named once; times");
};

namespace detail {
template <class S, int Axis, extent_t Begin, extent Length>
constexpr void check_slice() {
  constexpr extent e = extent_of<S, Axis>;
  static_assert(Begin >= 0 && Begin <= largest_product && (is_dynamic(Length) || Length >= 1),
                "dcs::slice: begin must be at least 0 and length at least 1");
  if constexpr (is_dynamic(Length)) {
    constexpr extent cut = minus(e, Length);
    static_assert(is_number(cut), "dcs::slice: a named length must be the extent of the axis less a number, as minus(dyn<\"height\">, 1)");
    verify(check_of<slice_mismatch<found<(is_number(cut) && cut < Begin ? plus(Length, Begin) : e)>, expected<e>, axis<Axis>>>);
  } else if constexpr (is_static(e)) {
    verify(check_of<slice_mismatch<found<at_least(Begin + Length, e)>, expected<e>, axis<Axis>>>);
  }
}

// The first axis, but the one concatenated along, whose extents differ, and that one where none does.
template <int Axis, class A, class B>
constexpr int differing_axis() {
  for (int i = 0; i < A::rank; ++i)
    if (i != Axis && A::extents[static_cast<std::size_t>(i)] != B::extents[static_cast<std::size_t>(i)]) return i;
  return Axis;
}
template <int Axis, class A, class B>
constexpr bool fits_behind() {
  if constexpr (A::rank == B::rank)
    return differing_axis<Axis, A, B>() == Axis;
  else
    return false;
}
template <int Axis, class A, class B>
constexpr void check_concat() {
  verify(check_of<concat_rank_mismatch<found<B::rank>, expected<A::rank>, axis<Axis>>>);
  if constexpr (A::rank == B::rank) {
    constexpr int at = differing_axis<Axis, A, B>();
    verify(check_of<concat_mismatch<found<(at == Axis ? 0 : extent_of<B, at>)>, expected<(at == Axis ? 0 : extent_of<A, at>)>, axis<at>>>);
  }
}

// The first axis of the operand that is not named once, and the last where each is.
template <int Rank, int... Axes>
constexpr int misnamed_axis() {
  for (int i = 0; i < Rank; ++i)
    if (((i == Axes) + ... + 0) != 1) return i;
  return Rank - 1;
}
template <int Rank, int... Axes>
constexpr bool is_permutation() {
  for (int i = 0; i < Rank; ++i)
    if (((i == Axes) + ... + 0) != 1) return false;
  return sizeof...(Axes) == Rank;
}
template <int Rank, int... Axes>
constexpr void check_permute() {
  verify(check_of<permute_mismatch<found<static_cast<extent_t>(sizeof...(Axes))>, expected<Rank>, axis<0>>>);
  if constexpr (sizeof...(Axes) == Rank && Rank > 0) {
    constexpr int at = misnamed_axis<Rank, Axes...>();
    verify(check_of<permute_twice<found<(extent_t{Axes == at} + ... + 0)>, expected<1>, axis<at>>>);
  }
}
}  // namespace detail

}  // namespace dcs

#include <dcs/core/header_end.inl>
