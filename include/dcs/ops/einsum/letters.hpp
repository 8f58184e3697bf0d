// The equation of einsum as types: letters<'n', 'l', 'c'> for each operand and for the result, sets of them, and the checks of extents by letter.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/shape.hpp>

DCS_EXACT_MATH
namespace dcs {

template <class Found, class Expected, class Axis>
struct einsum_rank_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::einsum: an operand must have as many axes as letters; number of axes");
};
template <class Found, class Expected, class Axis>
struct einsum_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::einsum: a letter of both operands must stand for one extent");
};
template <class Found, class Expected, class Axis>
struct einsum_letter_twice {
  static_assert(same_extent<Found, Expected>, "dcs::einsum: a letter may occur once in each operand and once in the result; times");
};
template <class Found, class Expected, class Axis>
struct einsum_unknown_letter {
  static_assert(same_extent<Found, Expected>, "dcs::einsum: a letter of the result must be one of an operand; operands that have it, at least");
};

/// The letter that a failed check of einsum is about, and the operand.
template <char Letter>
struct axis_letter {};
template <int Index>
struct einsum_operand {};

namespace detail {

template <char... C>
struct letters {
  static constexpr int count = static_cast<int>(sizeof...(C));
  static constexpr char at[sizeof...(C) + 1] = {C..., '\0'};
  /// The place of a letter, −1 where it is not among them.
  static constexpr int find(char c) {
    for (int i = 0; i < count; ++i)
      if (at[i] == c) return i;
    return -1;
  }
  static constexpr extent_t times(char c) { return ((C == c ? 1 : 0) + ... + extent_t{0}); }
};

inline constexpr int most_einsum_letters = 8;

// The letters of each operand, and, last, of the result. `operands` is 0 where the text is no equation.
struct einsum_equation {
  char text[3][most_einsum_letters] = {};
  int length[3] = {};
  int operands = 0;
};

template <std::size_t N>
constexpr einsum_equation parse_einsum(const fixed_string<N>& s) {
  einsum_equation e;
  int term = 0;
  for (std::size_t i = 0; i + 1 < N; ++i) {
    const char c = s.text[i];
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (c == ' ') continue;
    if (letter && e.length[term] < most_einsum_letters) {
      e.text[term][e.length[term]++] = c;
    } else if (c == ',' && term == 0) {
      term = 1;
    } else if (c == '-' && s.text[i + 1] == '>' && term < 2) {
      e.operands = term + 1, term = 2, ++i;
    } else {
      return {};
    }
  }
  return e;
}

/// The equation's terms as types: term<0>, term<1>, and term<2> for the result.
template <fixed_string Equation, int Operands>
struct einsum_terms {
  static constexpr einsum_equation equation = parse_einsum(Equation);
  static_assert(
      equation.operands != 0,
      "dcs::einsum: the equation names the axes of each operand by letters (at most 8), a comma between two operands, and behind -> those of "
      "the result: \"nlc,mc->nlm\"");
  static_assert(equation.operands == 0 || equation.operands == Operands, "dcs::einsum: the equation must have the letters of every operand");

  template <int Term, std::size_t... I>
  static letters<equation.text[Term][I]...> pack(std::index_sequence<I...>);
  template <int Term>
  using term = decltype(pack<Term>(std::make_index_sequence<static_cast<std::size_t>(equation.length[Term])>{}));
};

template <class... L>
struct join_letters;
template <char... C>
struct join_letters<letters<C...>> {
  using type = letters<C...>;
};
template <char... C, char... E, class... L>
struct join_letters<letters<C...>, letters<E...>, L...> : join_letters<letters<C..., E...>, L...> {};
template <class... L>
using joined_letters = typename join_letters<L...>::type;

// The letters of From for which "is one of X" is InX and "is one of Y" is InY, in their order.
template <class From, class X, bool InX, class Y, bool InY>
struct choose_letters;
template <class X, bool InX, class Y, bool InY>
struct choose_letters<letters<>, X, InX, Y, InY> {
  using type = letters<>;
};
template <char C, char... Rest, class X, bool InX, class Y, bool InY>
struct choose_letters<letters<C, Rest...>, X, InX, Y, InY> {
  static constexpr bool chosen = (X::find(C) >= 0) == InX && (Y::find(C) >= 0) == InY;
  using rest = typename choose_letters<letters<Rest...>, X, InX, Y, InY>::type;
  using type = std::conditional_t<chosen, joined_letters<letters<C>, rest>, rest>;
};
template <class From, class X, bool InX, class Y, bool InY>
using chosen_letters = typename choose_letters<From, X, InX, Y, InY>::type;
template <class From, class Dropped>
using remaining_letters = chosen_letters<From, Dropped, false, Dropped, false>;

template <int Index, class S, char... C>
constexpr void check_einsum_operand(letters<C...>) {
  verify(check_of<einsum_rank_mismatch<found<S::rank>, expected<static_cast<extent_t>(sizeof...(C))>, einsum_operand<Index>>>);
  (verify(check_of<einsum_letter_twice<found<letters<C...>::times(C)>, expected<1>, axis_letter<C>>>), ...);
}
template <class Operands, char... C>
constexpr void check_einsum_result(letters<C...>) {
  (verify(check_of<einsum_letter_twice<found<letters<C...>::times(C)>, expected<1>, axis_letter<C>>>), ...);
  (verify(check_of<einsum_unknown_letter<found<at_most(Operands::times(C), 1)>, expected<1>, axis_letter<C>>>), ...);
}
// The extent of an axis, or 0 where there is no such axis, which another check has found.
template <class S>
constexpr extent extent_or_none(int axis) {
  return axis >= 0 && axis < S::rank ? S::extents[static_cast<std::size_t>(axis)] : 0;
}
template <class SA, class L, class SB, class R, char... C>
constexpr void check_einsum_extents(letters<C...>) {
  (verify(check_of<einsum_mismatch<found<(R::find(C) < 0 ? extent_or_none<SA>(L::find(C)) : extent_or_none<SB>(R::find(C)))>,
                                   expected<extent_or_none<SA>(L::find(C))>, axis_letter<C>>>),
   ...);
}

}  // namespace detail
}  // namespace dcs

#include <dcs/core/header_end.inl>
