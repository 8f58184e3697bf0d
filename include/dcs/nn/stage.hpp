// Stages of a network that a user may replace. The requirements of a stage are stated once, as a contract, from which follow the concept, which a
// user can test without a network, and the check that a network makes, whose error contains stage, axis and both numbers, like those of ops.
//
// A contract is a struct with
//   form            whether the stage has the members and the call at all;
//   require_form()  the static assertion of that, with the text that says what is missing;
//   shapes()        a shape_list of expectations: what the call gives for probes, what it must give, and the error where they differ; only asked for
//                   its type, and only of a stage of the right form;
//   ours            whether it is the library's own stage, which its tests have shown to be right and which costs a network no trial.
//
//   template <class E, int D>
//   struct encode_contract : map_contract<encode_mismatch, E, shape<2, 16, 16, D>, trial_map<D>> {
//     static constexpr bool ours = std::is_same_v<E, crop_encoder<D>>;
//     static constexpr void require_form() { static_assert(encode_contract::form, "an encoder is a module with a call from an enhanced crop"); }
//   };
//   template <class E, int D> concept encode_stage = fulfils<encode_contract<E, D>>;
//   static_assert(checked<encode_contract<my_encoder, 32>>);
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/operand.hpp>
#include <dcs/nn/module.hpp>

DCS_EXACT_MATH
namespace dcs {

template <class Found, class Expected, class Axis>
struct stage_rank_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs: a stage of a network gives a value with too many or too few axes; number of axes");
};

/// A mark of the library's own stages, `using tested_stage = tested<its type, the role's contract>`, for those that a contract cannot name: they
/// fulfil the contract, as their tests show, and are not checked again. A struct that is derived from such a stage is another type, and is checked.
template <class Stage, class Role>
struct tested {};

/// The arguments of a trial call of a stage: values of these sizes, without memory.
template <extent... E>
using trial = probe<float, shape<E...>>;
template <int D, int Side = 16>
using trial_map = trial<2, Side, Side, D>;

namespace detail {

// Probes of these shapes; the shapes of a tuple of handles, void for any other type.
template <class Shapes>
struct trials_of;
template <class... S>
struct trials_of<std::tuple<S...>> {
  using type = std::tuple<probe<float, S>...>;
};
template <class Values>
struct shapes_of {
  using type = void;
};
template <handle... X>
struct shapes_of<std::tuple<X...>> {
  using type = std::tuple<shape_t<X>...>;
};

}  // namespace detail

/// Probes of a tuple of shapes.
template <class Shapes>
using trials = typename detail::trials_of<Shapes>::type;
/// The result of calling M with X..., and the shapes in it where it is a tuple.
template <class M, class... X>
using call_result = std::remove_cvref_t<decltype(std::declval<const M&>()(std::declval<const X&>()...))>;
template <class M, class... X>
using result_shapes = typename detail::shapes_of<call_result<M, X...>>::type;

template <class M, class... X>
concept gives_map = module<M> && operand<call_result<M, X...>>;
template <class M, class... X>
concept gives_maps = std::tuple_size<result_shapes<M, X...>>::value >= 0;

/// The shape found must be the one expected, or Check says on which axes they differ.
template <template <class, class, class> class Check, class Found, class Expected>
struct expectation {};
/// The same of tuples of shapes; Count says where there are too many or too few.
template <template <class, class, class> class Count, template <class, class, class> class Check, class Found, class Expected>
struct expectations {};
template <class... E>
struct shape_list {};

namespace detail {

template <class List>
inline constexpr bool all_equal = false;
template <class... E>
inline constexpr bool all_equal<shape_list<E...>> = (all_equal<E> && ...);
template <template <class, class, class> class Check, class Found, class Expected>
inline constexpr bool all_equal<expectation<Check, Found, Expected>> = std::is_same_v<Found, Expected>;
template <template <class, class, class> class Count, template <class, class, class> class Check, class Found, class Expected>
inline constexpr bool all_equal<expectations<Count, Check, Found, Expected>> = std::is_same_v<Found, Expected>;

// A function for each axis, as clang stops at the first error in a function. The functions are not evaluated: asking for the type of their result
// compiles their bodies, with their static_assert, but gives no second error about a failed evaluation. Axes are compared one by one only if the
// shapes differ.
template <class Check>
constexpr auto check_axis() {
  (void)Check{};
  return std::true_type();
}
template <template <class, class, class> class Check, class Found, class Expected, std::size_t... I>
constexpr auto check_axes(std::index_sequence<I...>) {
  (check_axis<Check<found<extent_of<Found, static_cast<int>(I)>>, expected<extent_of<Expected, static_cast<int>(I)>>, axis<static_cast<int>(I)>>>(),
   ...);
  return std::true_type();
}
template <template <class, class, class> class Check, class Found, class Expected>
constexpr auto check_shapes(expectation<Check, Found, Expected>) {
  if constexpr (std::is_same_v<Found, Expected>)
    return std::true_type();
  else if constexpr (Found::rank == Expected::rank)
    return check_axes<Check, Found, Expected>(std::make_index_sequence<static_cast<std::size_t>(Found::rank)>{});
  else
    return check_axis<stage_rank_mismatch<found<Found::rank>, expected<Expected::rank>, axis<Expected::rank - 1>>>();
}
template <template <class, class, class> class Check, class Found, class Expected, std::size_t... I>
constexpr auto check_each(std::index_sequence<I...>) {
  (check_shapes(expectation<Check, std::tuple_element_t<I, Found>, std::tuple_element_t<I, Expected>>()), ...);
  return std::true_type();
}
template <template <class, class, class> class Count, template <class, class, class> class Check, class Found, class Expected>
constexpr auto check_shapes(expectations<Count, Check, Found, Expected>) {
  constexpr auto n = std::tuple_size_v<Found>, wanted = std::tuple_size_v<Expected>;
  if constexpr (std::is_same_v<Found, Expected>)
    return std::true_type();
  else if constexpr (n == wanted)
    return check_each<Check, Found, Expected>(std::make_index_sequence<n>{});
  else
    return check_axis<Count<found<static_cast<extent_t>(n)>, expected<static_cast<extent_t>(wanted)>, axis<0>>>();
}
template <class... E>
constexpr auto check_shapes(shape_list<E...>) {
  (check_shapes(E()), ...);
  return std::true_type();
}

template <class Stage, class Role>
inline constexpr bool is_tested = false;
template <class Stage, class Role>
requires std::is_same_v<typename Stage::tested_stage, tested<Stage, Role>>
inline constexpr bool is_tested<Stage, Role> = true;

template <class Contract>
constexpr bool is_fulfilled() {
  if constexpr (Contract::form)
    return all_equal<decltype(Contract::shapes())>;
  else
    return false;
}
template <class Contract>
constexpr auto check_contract() {
  if constexpr (!Contract::ours) {
    Contract::require_form();
    if constexpr (Contract::form) check_shapes(Contract::shapes());
  }
  return std::true_type();
}

}  // namespace detail

/// Whether a stage fulfils its contract.
template <class Contract>
concept fulfils = detail::is_fulfilled<Contract>();

/// True, or a compile-time error that says what the stage lacks or on which axis it differs.
template <class Contract>
inline constexpr bool checked = decltype(detail::check_contract<Contract>())::value;

/// A contract of a stage whose call takes X... to one map of shape Expected; to be derived from, with `ours` and require_form().
template <template <class, class, class> class Check, class M, class Expected, class... X>
struct map_contract {
  static constexpr bool form = gives_map<M, X...>;
  static constexpr auto shapes() { return shape_list<expectation<Check, shape_t<call_result<M, X...>>, Expected>>(); }
};

}  // namespace dcs

#include <dcs/core/header_end.inl>
