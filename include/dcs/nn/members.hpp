// The members of a module: the macros that list them, the concepts that ask for them, and the comparison of the list with the struct.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/nn/parameter.hpp>

#include <array>
#include <tuple>
#include <utility>

// DCS_MEMBERS(conv, norm): members under their own names. DCS_MEMBERS_AS((conv, "0"), (norm, "1")): under other names; with "" the members of a
// member belong to the parent directly.
#define DCS_PARENS ()
#define DCS_EXPAND(...) DCS_EXPAND_3(DCS_EXPAND_3(DCS_EXPAND_3(DCS_EXPAND_3(__VA_ARGS__))))
#define DCS_EXPAND_3(...) DCS_EXPAND_2(DCS_EXPAND_2(DCS_EXPAND_2(DCS_EXPAND_2(__VA_ARGS__))))
#define DCS_EXPAND_2(...) DCS_EXPAND_1(DCS_EXPAND_1(DCS_EXPAND_1(DCS_EXPAND_1(__VA_ARGS__))))
#define DCS_EXPAND_1(...) __VA_ARGS__
#define DCS_FOR_EACH(macro, ...) __VA_OPT__(DCS_EXPAND(DCS_FOR_EACH_STEP(macro, __VA_ARGS__)))
#define DCS_FOR_EACH_STEP(macro, first, ...) macro(first) __VA_OPT__(DCS_FOR_EACH_AGAIN DCS_PARENS(macro, __VA_ARGS__))
#define DCS_FOR_EACH_AGAIN() DCS_FOR_EACH_STEP

#define DCS_VISIT_MEMBER(member) visit(#member, member);
#define DCS_VISIT_PAIR_(member, name) visit(name, member);
#define DCS_VISIT_PAIR(pair) DCS_VISIT_PAIR_ pair

// The list of the members' types, `void` first so that each type may follow a comma: see all_members_listed below.
#define DCS_MEMBER_TYPE(member) , decltype(member)
#define DCS_MEMBER_TYPE_OF_(member, name) , decltype(member)
#define DCS_MEMBER_TYPE_OF(pair) DCS_MEMBER_TYPE_OF_ pair

#define DCS_MEMBERS(...)                        \
  template <class Visit>                        \
  constexpr void members(Visit&& visit) {       \
    DCS_FOR_EACH(DCS_VISIT_MEMBER, __VA_ARGS__) \
  }                                             \
  template <class Visit>                        \
  constexpr void members(Visit&& visit) const { \
    DCS_FOR_EACH(DCS_VISIT_MEMBER, __VA_ARGS__) \
  }                                             \
  constexpr auto member_types() const { return ::dcs::detail::member_list<void DCS_FOR_EACH(DCS_MEMBER_TYPE, __VA_ARGS__)>{}; }
#define DCS_MEMBERS_AS(...)                     \
  template <class Visit>                        \
  constexpr void members(Visit&& visit) {       \
    DCS_FOR_EACH(DCS_VISIT_PAIR, __VA_ARGS__)   \
  }                                             \
  template <class Visit>                        \
  constexpr void members(Visit&& visit) const { \
    DCS_FOR_EACH(DCS_VISIT_PAIR, __VA_ARGS__)   \
  }                                             \
  constexpr auto member_types() const { return ::dcs::detail::member_list<void DCS_FOR_EACH(DCS_MEMBER_TYPE_OF, __VA_ARGS__)>{}; }

DCS_EXACT_MATH
namespace dcs {

namespace detail {
// The types of the members that DCS_MEMBERS lists, behind a void.
template <class... M>
struct member_list {};

struct ignore_visit {
  template <class M>
  constexpr void operator()(const char*, M&&) const {}
};
template <class M>
inline constexpr bool is_array_v = false;
template <class M, std::size_t N>
inline constexpr bool is_array_v<std::array<M, N>> = true;
template <class M>
inline constexpr bool is_tuple_v = false;
template <class... M>
inline constexpr bool is_tuple_v<std::tuple<M...>> = true;
}  // namespace detail

/// A struct that names its members with DCS_MEMBERS.
template <class M>
concept has_members = requires(M& m) {
  m.members(detail::ignore_visit{});
};
/// A parameter, a buffer, a struct with members, or an array or tuple of these.
template <class M>
concept module = std::is_base_of_v<parameter_base, std::remove_cvref_t<M>> || has_members<std::remove_cvref_t<M>> ||
    detail::is_array_v<std::remove_cvref_t<M>> || detail::is_tuple_v<std::remove_cvref_t<M>>;

namespace detail {

// A member that holds parameters but is not in DCS_MEMBERS would be neither counted nor saved nor trained, and nothing else would tell. So the types
// in DCS_MEMBERS are compared with the members of the struct. The language does not list those, but it tells whether T{a, b, c} can be written: an
// initialiser that converts to whatever is wanted counts the members, and one that converts to certain types alone finds them. Positions are those of
// initialisers: each element of a C array counts, and a base class comes first.
//
// A struct with a constructor or with private members has no such initialisers and is not compared: a parameter that it leaves out has no memory, and
// its first use says so (parameter_base::expect_type). What is behind a member that nothing converts to, such as a reference, is not compared either.

// A left-out module without parameters, such as a resizing layer, does no harm.
template <class M>
inline constexpr bool holds_parameters_v = std::is_base_of_v<parameter_base, M> || (has_members<M> && sizeof(M) >= sizeof(parameter_base));
template <class M, std::size_t N>
inline constexpr bool holds_parameters_v<std::array<M, N>> = N > 0 && holds_parameters_v<M>;
template <class... M>
inline constexpr bool holds_parameters_v<std::tuple<M...>> = (holds_parameters_v<M> || ...);

/// The position of a member among the initialisers of its struct, from 0.
template <int I>
struct position {};

template <class Struct, class Member, class Position>
struct member_left_out {
  static constexpr bool reported = true;
  static_assert(
      std::is_void_v<Member>,
      "dcs: a member with parameters is missing from DCS_MEMBERS, and would be neither counted nor saved nor trained: the struct, the type of "
      "the member, and its position (from 0); try: add it to DCS_MEMBERS");
};

struct any_member {
  template <class M>
  constexpr operator M() const;
};
// Initialises members of the types that Which accepts. Those that it refuses are conversions too, so that the compiler does not go on to the members
// of the refused member (brace elision).
template <class Which>
struct member_like {
  template <class M>
  requires(Which::template accepts<M>()) constexpr operator M() const;
  template <class M>
  requires(Which::template refuses<M>()) constexpr operator M() const = delete;
};
struct no_member {};  // only what takes everything, such as std::any, is initialised by it

template <class T>
struct with_parameters {
  template <class M>
  static constexpr bool accepts() {
    return holds_parameters_v<M> && !std::is_base_of_v<M, T>;
  }
  template <class M>
  static constexpr bool refuses() {
    return false;
  }
};
template <class T, class Q>
struct of_type {
  template <class M>
  static constexpr bool accepts() {
    return std::is_same_v<M, Q>;
  }
  template <class M>
  static constexpr bool refuses() {
    return with_parameters<T>::template accepts<M>() && !accepts<M>();
  }
};
// Accepts the type of a member that is not in the list, and so reports it.
template <class T, int I, class... Listed>
struct unlisted {
  template <class M>
  static constexpr bool accepts() {
    if constexpr (with_parameters<T>::template accepts<M>() && !refuses<M>())
      return member_left_out<T, M, position<I>>::reported;
    else
      return false;
  }
  template <class M>
  static constexpr bool refuses() {
    return (std::is_same_v<M, Listed> || ...);
  }
};

// Whether T{any, any, ..., last} can be written, with `I...` members before the last.
template <class T, class Last, std::size_t... I>
constexpr bool initialises(std::index_sequence<I...>) {
  return requires { T{(static_cast<void>(I), any_member{})..., Last{}}; };
}
template <class T, class Last, std::size_t I>
inline constexpr bool initialises_v = initialises<T, Last>(std::make_index_sequence<I>{});
template <class T, std::size_t N = 0>
constexpr std::size_t count_members() {
  if constexpr (N < 64) {
    if constexpr (initialises_v<T, any_member, N>) return count_members<T, N + 1>();
  }
  return N;
}
template <class T, class Accepts, std::size_t... I>
constexpr std::size_t count_matching(std::index_sequence<I...>) {
  return (std::size_t{0} + ... + (initialises_v<T, member_like<Accepts>, I> && !initialises_v<T, no_member, I> ? 1 : 0));
}
template <class T, class Q, std::size_t... I>
constexpr int last_position(std::index_sequence<I...>) {
  int last = 0;
  ((last = initialises_v<T, member_like<of_type<T, Q>>, I> ? static_cast<int>(I) : last), ...);
  return last;
}
template <class T, class Q, class Positions, class... Listed>
constexpr void compare_type() {
  constexpr std::size_t listed = (std::size_t{0} + ... + (std::is_same_v<Q, Listed> ? 1 : 0));
  if constexpr (count_matching<T, of_type<T, Q>>(Positions{}) > listed) (void)member_left_out<T, Q, position<last_position<T, Q>(Positions{})>>{};
}
template <class T, class... Listed, std::size_t... I>
constexpr void compare_members(std::index_sequence<I...> all) {
  constexpr std::size_t listed = (std::size_t{0} + ... + (holds_parameters_v<Listed> ? 1 : 0));
  if constexpr (count_matching<T, with_parameters<T>>(decltype(all){}) > listed) {
    (compare_type<T, Listed, std::index_sequence<I...>, Listed...>(), ...);
    ((void)initialises_v<T, member_like<unlisted<T, static_cast<int>(I), Listed...>>, I>, ...);
  }
}
// Most structs have no room for a member that is not in the list, and need no look at their members. A listed member that is no module is an error of
// its own, of whoever walks the network.
template <class T, class... Listed>
constexpr void compare_members(member_list<void, Listed...>) {
  constexpr std::size_t bytes = (std::size_t{0} + ... + (holds_parameters_v<Listed> ? sizeof(Listed) : 0));
  if constexpr (std::is_aggregate_v<T> && (module<Listed> && ...) && sizeof(T) >= bytes + sizeof(parameter_base))
    compare_members<T, Listed...>(std::make_index_sequence<count_members<T>()>{});
}
// True; a struct of which a member was left out does not compile.
template <class T>
constexpr bool all_members_listed() {
  if constexpr (requires(const T& t) { t.member_types(); }) compare_members<T>(decltype(std::declval<const T&>().member_types()){});
  return true;
}

}  // namespace detail

}  // namespace dcs

#include <dcs/core/header_end.inl>
