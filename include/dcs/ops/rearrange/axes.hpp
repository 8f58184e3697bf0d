// Axes of size 1: squeeze removes them and unsqueeze adds one, both sharing memory as reshape does; stack joins operands along a new axis; expand
// repeats along them. A pointwise expression repeats axes of size 1 by itself: expand is for ops that do not, as matmul and concat.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/ops/rearrange/rearrange.hpp>

DCS_EXACT_MATH
namespace dcs {

template <class Found, class Expected, class Axis>
struct squeeze_axis_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::squeeze: no such axis; number of axes");
};
template <class Found, class Expected, class Axis>
struct squeeze_twice {
  static_assert(same_extent<Found, Expected>, "dcs::squeeze: an axis may be named once; times");
};
template <class Found, class Expected, class Axis>
struct squeeze_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::squeeze: the extent of a removed axis must be 1");
};
template <class Found, class Expected, class Axis>
struct unsqueeze_axis_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::unsqueeze: no such axis in the result; number of its axes");
};
template <class Found, class Expected, class Axis>
struct stack_axis_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::stack: no such axis in the result; number of its axes");
};
template <class Found, class Expected, class Axis>
struct stack_rank_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::stack: the operands must have the same number of axes");
};
template <class Found, class Expected, class Axis>
struct stack_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::stack: the operands must be equal along every axis");
};
template <class Found, class Expected, class Axis>
struct expand_rank_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::expand: the new shape must have the axes of the operand; number of the operand's axes");
};
template <class Found, class Expected, class Axis>
struct expand_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::expand: only an extent of 1 repeats; the new shape must keep every other");
};

namespace detail {

// How often an axis (not negative) is named among Axes, which may count from the end.
template <int Axis, int Rank, int... Axes>
inline constexpr extent_t times_among = (extent_t{Axis == (Axes < 0 ? Axes + Rank : Axes)} + ... + 0);

template <class S, int... Axes>
struct squeeze_rule {
  static constexpr bool removed(std::size_t i) { return ((static_cast<int>(i) == (Axes < 0 ? Axes + S::rank : Axes)) || ...); }
  // The i-th axis of S that stays.
  static constexpr std::size_t axis_of(std::size_t i) {
    std::size_t k = 0;
    for (; k + 1 < S::extents.size(); ++k)
      if (!removed(k) && i-- == 0) break;
    return k;
  }
  static constexpr extent at(std::size_t i) { return S::extents[axis_of(i)]; }
};
template <class S, int At>
struct unsqueeze_rule {
  static constexpr extent at(std::size_t i) {
    const int axis = static_cast<int>(i);
    return axis == At ? 1 : S::extents[axis < At ? i : i - 1];
  }
};

template <class S, int... Axes, int... I>
constexpr void check_squeeze(std::integer_sequence<int, I...>) {
  (verify(check_of<squeeze_twice<found<times_among<I, S::rank, Axes...>>, expected<at_most(times_among<I, S::rank, Axes...>, 1)>, axis<I>>>), ...);
}

// The elements of x, in their order, as an array of sizes n. Shares memory.
template <class Out, class X>
constexpr auto with_axes(const X& x, const sizes<Out::rank>& n) {
  if constexpr (any_probe_v<X>) {
    return probe_result<Out>(x);
  } else {
    using T = value_t<X>;
    using S = shape_t<X>;
    using D = device_t<X>;
    return record(
        tensor_of<Out, X>::adopt(value(x).memory(), n),
        [n = x.sizes(), gx = sink_of(x)](const tensor<T, Out, D>& dy) { gx.add(tensor<T, S, D>::adopt(dy.memory(), n)); }, x);
  }
}

}  // namespace detail

/// x without the named axes, whose extents must be 1. Shares memory.
template <int... Axes, operand X>
constexpr auto squeeze(const X& x_) {
  using S = shape_t<X>;
  static_assert(sizeof...(Axes) > 0, "dcs::squeeze: names no axis");
  (verify(check_of<squeeze_axis_mismatch<found<S::rank>, expected<axes_with(Axes, S::rank)>, axis<Axes>>>), ...);
  (verify(check_of<squeeze_mismatch<found<extent_of<S, Axes>>, expected<1>, axis<(Axes < 0 ? Axes + S::rank : Axes)>>>), ...);
  detail::check_squeeze<S, Axes...>(std::make_integer_sequence<int, S::rank>{});
  using rule = detail::squeeze_rule<S, Axes...>;
  constexpr int left = S::rank - static_cast<int>(sizeof...(Axes));
  using Out = typename make_shape<rule, (left < 0 ? 0 : left)>::self;
  const auto x = eval(x_);
  if constexpr (!any_probe_v<X>) detail::expect_inner("dcs::squeeze", x.sizes());
  sizes<Out::rank> n{};
  for (int i = 0; i < Out::rank; ++i) n[static_cast<std::size_t>(i)] = x.sizes()[rule::axis_of(static_cast<std::size_t>(i))];
  return detail::with_axes<Out>(x, n);
}

/// x with a new axis of extent 1, which is axis `Axis` of the result (counted from its end where negative). Shares memory.
template <int Axis, operand X>
constexpr auto unsqueeze(const X& x_) {
  using S = shape_t<X>;
  verify(check_of<unsqueeze_axis_mismatch<found<S::rank + 1>, expected<axes_with(Axis, S::rank + 1)>, axis<Axis>>>);
  constexpr int at = Axis < 0 ? Axis + S::rank + 1 : Axis;
  using Out = typename make_shape<detail::unsqueeze_rule<S, at>, S::rank + 1>::self;
  const auto x = eval(x_);
  if constexpr (!any_probe_v<X>) detail::expect_inner("dcs::unsqueeze", x.sizes());
  sizes<Out::rank> n{};
  for (int i = 0; i < Out::rank; ++i) n[static_cast<std::size_t>(i)] = i == at ? 1 : x.sizes()[static_cast<std::size_t>(i < at ? i : i - 1)];
  return detail::with_axes<Out>(x, n);
}

namespace detail {

template <class A, class B, int... I>
constexpr void check_stack(std::integer_sequence<int, I...>) {
  verify(check_of<stack_rank_mismatch<found<B::rank>, expected<A::rank>, axis<0>>>);
  (verify(check_of<stack_mismatch<found<extent_of<B, I>>, expected<extent_of<A, I>>, axis<I>>>), ...);
}
template <int At, class X>
auto stackable(const X& x) {
  expect_inner("dcs::stack", x.sizes());
  auto slice = unsqueeze<At>(x);
  expect_inner("dcs::stack", slice.sizes());
  return slice;
}

}  // namespace detail

/// Operands of one shape side by side along a new axis, which is axis `Axis` of the result (counted from its end where negative):
/// stack<0>(a, b) of shape<3, 4> is shape<2, 3, 4>.
template <int Axis, operand A, operand... B>
constexpr auto stack(const A& a_, const B&... b_) {
  using S = shape_t<A>;
  verify(check_of<stack_axis_mismatch<found<S::rank + 1>, expected<axes_with(Axis, S::rank + 1)>, axis<Axis>>>);
  (detail::check_stack<S, shape_t<B>>(std::make_integer_sequence<int, S::rank>{}), ...);
  constexpr int at = Axis < 0 ? Axis + S::rank + 1 : Axis;
  if constexpr (any_probe_v<A, B...>) {
    return concat<at>(unsqueeze<at>(a_), unsqueeze<at>(b_)...);
  } else {
    return [](const auto&... x) {
      detail::expect_same_names("dcs::stack", x...);
      return concat<at>(detail::stackable<at>(x)...);
    }(eval(a_), eval(b_)...);
  }
}

namespace detail {

template <class Out, class S, int... I>
constexpr void check_expand(std::integer_sequence<int, I...>) {
  verify(check_of<expand_rank_mismatch<found<S::rank>, expected<at_most(S::rank, Out::rank)>, axis<0>>>);
  constexpr int added = Out::rank - S::rank;
  (verify(check_of<expand_mismatch<found<(extent_of<S, I> == 1 ? 1 : extent_of<Out, added + I>)>, expected<extent_of<S, I>>, axis<added + I>>>), ...);
}
// Whether every extent of Out is a number or, at its place, that of S.
template <class Out, class S>
constexpr bool sizes_known() {
  for (int i = 0; i < Out::rank; ++i) {
    const int from = i - (Out::rank - S::rank);
    if (is_dynamic(Out::extents[static_cast<std::size_t>(i)]) &&
        (from < 0 || S::extents[static_cast<std::size_t>(from)] != Out::extents[static_cast<std::size_t>(i)]))
      return false;
  }
  return true;
}

template <class Out, class X>
auto expanded(const X& x, const sizes<Out::rank>& n) {
  using T = value_t<X>;
  using S = shape_t<X>;
  using D = device_t<X>;
  expect_inner("dcs::expand", x.sizes()), expect_inner("dcs::expand", n);
  expect_fits<Out>("dcs::expand", n);
  constexpr int added = Out::rank - S::rank;
  sizes<Out::rank> strides{};
  const auto dense = dense_strides(x.sizes());
  for (int axis = 0; axis < S::rank; ++axis) {
    const auto i = static_cast<std::size_t>(axis), to = static_cast<std::size_t>(added + axis);
    expect(S::extents[i] == 1 || n[to] == x.sizes()[i], "dcs::expand: from sizes ", to_string(x.sizes()), " to ", to_string(n), ": axis ", to, " is ",
           n[to], ", but the operand's, which is not 1 in its type, is ", x.sizes()[i]);
    strides[to] = x.sizes()[i] == 1 ? 0 : dense[i];
  }
  if (count(n) == x.size()) return with_axes<Out>(x, n);  // nothing repeats
  auto y = tensor_of<Out, X>::empty(n);
  if (y.size() > 0) copy_strided(D{}, y.data(), value(x).data(), n.data(), strides.data(), Out::rank);
  return record(
      std::move(y),
      [n, strides, from = x.sizes(), gx = sink_of(x)](const tensor<T, Out, D>& dy) {
        auto dx = tensor<T, S, D>::empty(from);
        sum_to(D{}, dx.data(), dx.size(), dy.data(), n.data(), Out::rank, strides.data());
        gx.add(std::move(dx));
      },
      x);
}

}  // namespace detail

/// x repeated along its axes of extent 1, and along new axes before its first, until it has the shape Out, at run time of sizes n. The axes of x are
/// the last of Out. A gradient is the sum over what was repeated. Shares memory where nothing repeats. An axis whose size is 1 at run time alone does
/// not repeat. Throws dcs::error where n does not fit Out, or x.
template <class Out, operand X>
constexpr auto expand(const X& x, const sizes<Out::rank>& n) {
  using S = shape_t<X>;
  static_assert(is_shape<Out>::value, "dcs::expand: the template argument is a shape<...>");
  static_assert(Out::rank <= expr::max_rank, "dcs::expand: a shape of at most 8 axes");
  detail::check_expand<Out, S>(std::make_integer_sequence<int, S::rank>{});
  if constexpr (any_probe_v<X>)
    return probe_result<typename Out::self>(eval(x));
  else if constexpr (Out::rank == 0)
    return eval(x);
  else
    return detail::expanded<typename Out::self>(eval(x), n);
}

/// The same where the type says the sizes: an extent of Out is a number or, at its place, the name that x has.
template <class Out, operand X>
constexpr auto expand(const X& x_) {
  using S = shape_t<X>;
  static_assert(is_shape<Out>::value, "dcs::expand: the template argument is a shape<...>");
  detail::check_expand<Out, S>(std::make_integer_sequence<int, S::rank>{});
  static_assert(detail::sizes_known<Out, S>(), "dcs::expand: the size of a named extent that repeats is an argument: expand<Shape>(x, sizes)");
  const auto x = eval(x_);
  sizes<Out::rank> n{};
  for (std::size_t i = 0; i < n.size(); ++i)
    n[i] = is_dynamic(Out::extents[i]) ? x.sizes()[i + S::extents.size() - n.size()] : static_cast<extent_t>(Out::extents[i]);
  return expand<Out>(x, n);
}

/// x repeated to the shape and the sizes of another operand, which gets no gradient.
template <operand X, operand Other>
constexpr auto expand_as(const X& x_, const Other& other_) {
  const auto x = eval(x_);
  const auto other = eval(other_);
  if constexpr (!any_probe_v<X>) detail::expect_same_names("dcs::expand", x, other);
  return expand<shape_t<Other>>(x, other.sizes());
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
