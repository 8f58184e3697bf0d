// Elements in another order along their axes: flip, one copy with strides that count backwards, and roll, two copies of rows.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/ops/rearrange/axes.hpp>

DCS_EXACT_MATH
namespace dcs {

template <class Found, class Expected, class Axis>
struct flip_axis_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::flip: no such axis; number of axes");
};
template <class Found, class Expected, class Axis>
struct flip_twice {
  static_assert(same_extent<Found, Expected>, "dcs::flip: an axis may be named once; times");
};
template <class Found, class Expected, class Axis>
struct roll_axis_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::roll: no such axis; number of axes");
};

namespace detail {

template <int Rank, int... Axes, int... I>
constexpr void check_flip(std::integer_sequence<int, I...>) {
  (verify(check_of<flip_twice<found<times_among<I, Rank, Axes...>>, expected<at_most(times_among<I, Rank, Axes...>, 1)>, axis<I>>>), ...);
}

template <int... Axes, class T, class S, class D>
tensor<T, S, D> flipped(const tensor<T, S, D>& x) {
  auto y = tensor<T, S, D>::empty(x.sizes());
  if (y.size() == 0) return y;
  auto strides = dense_strides(x.sizes());
  extent_t first = 0;
  for (const int axis : {(Axes < 0 ? Axes + S::rank : Axes)...}) {
    const auto i = static_cast<std::size_t>(axis);
    first += (x.sizes()[i] - 1) * strides[i];
    strides[i] = -strides[i];
  }
  copy_strided(D{}, y.data(), x.data() + first, x.sizes().data(), strides.data(), S::rank);
  return y;
}

// y[.., (i + shift) mod n, ..] = x[.., i, ..] along an axis.
template <int At, class T, class S, class D>
tensor<T, S, D> rolled(const tensor<T, S, D>& x, extent_t shift) {
  const auto& n = x.sizes();
  constexpr auto at = static_cast<std::size_t>(At);
  const extent_t outer = product(n, 0, at), inner = product(n, at + 1, n.size()), row = n[at] * inner;
  const extent_t moved = n[at] == 0 ? 0 : (shift % n[at] + n[at]) % n[at] * inner;
  auto y = tensor<T, S, D>::empty(n);
  copy_rows(D{}, y.data() + moved, row, x.data(), row, outer, row - moved);
  copy_rows(D{}, y.data(), row, x.data() + row - moved, row, outer, moved);
  return y;
}

}  // namespace detail

/// x with the order of its elements reversed along the named axes.
template <int... Axes, operand X>
constexpr auto flip(const X& x_) {
  using S = shape_t<X>;
  static_assert(sizeof...(Axes) > 0, "dcs::flip: names no axis");
  static_assert(S::rank <= expr::max_rank, "dcs::flip: an operand of at most 8 axes");
  (verify(check_of<flip_axis_mismatch<found<S::rank>, expected<axes_with(Axes, S::rank)>, axis<Axes>>>), ...);
  detail::check_flip<S::rank, Axes...>(std::make_integer_sequence<int, S::rank>{});
  if constexpr (any_probe_v<X>) {
    return probe_result<S>(eval(x_));
  } else {
    using T = value_t<X>;
    using D = device_t<X>;
    const auto x = eval(x_);
    detail::expect_inner("dcs::flip", x.sizes());
    return record(
        detail::flipped<Axes...>(value(x)), [gx = sink_of(x)](const tensor<T, S, D>& dy) { gx.add(detail::flipped<Axes...>(dy)); }, x);
  }
}

/// x with its elements moved by `shift` places along an axis of size n; those that pass an end come in at the other: element i becomes element
/// (i + shift) mod n. Any shift, negative ones too.
template <int Axis, operand X>
constexpr auto roll(const X& x_, extent_t shift) {
  using S = shape_t<X>;
  verify(check_of<roll_axis_mismatch<found<S::rank>, expected<axes_with(Axis, S::rank)>, axis<Axis>>>);
  constexpr int at = Axis < 0 ? Axis + S::rank : Axis;
  if constexpr (any_probe_v<X>) {
    return probe_result<S>(eval(x_));
  } else {
    using T = value_t<X>;
    using D = device_t<X>;
    const auto x = eval(x_);
    detail::expect_inner("dcs::roll", x.sizes());
    const extent_t n = x.sizes()[static_cast<std::size_t>(at)], moved = n == 0 ? 0 : shift % n;
    return record(
        detail::rolled<at>(value(x), moved), [moved, gx = sink_of(x)](const tensor<T, S, D>& dy) { gx.add(detail::rolled<at>(dy, -moved)); }, x);
  }
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
