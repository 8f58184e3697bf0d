// Padding along an axis: with a number, one copy of rows into new memory; reflected or with the border repeated, the concatenation of x with what
// flip and expand make of its borders.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/ops/rearrange/order.hpp>

DCS_EXACT_MATH
namespace dcs {

template <class Found, class Expected, class Axis>
struct pad_axis_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::pad: no such axis; number of axes");
};
template <class Found, class Expected, class Axis>
struct pad_reflect_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::pad: a reflection must be shorter than the axis; elements of one");
};

/// What stands beyond the border: a number (constant), x mirrored at its border element (reflect: c b | a b c | b a), or the border element
/// (replicate: a a | a b c | c c), as PyTorch's modes of these names.
enum class pad_mode { constant, reflect, replicate };

namespace detail {

template <int At, extent_t Before, extent_t After, class X>
auto padded_with(const X& x, double number) {
  using S = shape_t<X>;
  using T = value_t<X>;
  using D = device_t<X>;
  using Out = typename with_extent<S, At, plus(extent_of<S, At>, Before + After)>::self;
  constexpr auto at = static_cast<std::size_t>(At);
  expect_inner("dcs::pad", x.sizes());
  auto n = x.sizes();
  const extent_t outer = product(n, 0, at), inner = product(n, at + 1, n.size()), width = n[at] * inner;
  n[at] += Before + After;
  const extent_t row = n[at] * inner;
  auto y = number == 0 ? tensor_of<Out, X>::zeros(n) : tensor_of<Out, X>::full(n, static_cast<T>(static_cast<compute_type<T>>(number)));
  copy_rows(D{}, y.data() + Before * inner, row, value(x).data(), width, outer, width);
  return record(
      std::move(y),
      [=, from = x.sizes(), gx = sink_of(x)](const tensor<T, Out, D>& dy) {
        auto dx = tensor<T, S, D>::empty(from);
        copy_rows(D{}, dx.data(), width, dy.data() + Before * inner, row, outer, width);
        gx.add(std::move(dx));
      },
      x);
}

// The `Length` elements along axis At that come before the last `Behind`: slice, whose begin is a constant, cannot count from the end of a named
// axis.
template <int At, extent_t Length, extent_t Behind, class X>
constexpr auto before_last(const X& x) {
  using S = shape_t<X>;
  using Out = typename with_extent<S, At, Length>::self;
  if constexpr (any_probe_v<X>) {
    return probe_result<Out>(x);
  } else {
    return sliced_from<At, Out>(x, x.sizes()[static_cast<std::size_t>(At)] - Length - Behind, Length);
  }
}
// `Length` elements along axis At that stand beyond x's first (or last) element.
template <int At, extent_t Length, bool Reflect, bool Last, class X>
constexpr auto border(const X& x) {
  const auto inside = [&] {
    constexpr extent_t length = Reflect ? Length : 1, kept = Reflect ? 1 : 0;
    if constexpr (Last)
      return before_last<At, length, kept>(x);
    else
      return slice<At, kept, length>(x);
  }();
  if constexpr (Reflect)
    return flip<At>(inside);
  else
    return expand<with_extent<shape_t<X>, At, Length>>(inside);
}
template <int At, extent_t Before, extent_t After, bool Reflect, class X>
constexpr auto padded_by_border(const X& x) {
  if constexpr (!any_probe_v<X>) {
    constexpr extent_t mirrored = Before > After ? Before : After, least = Reflect ? mirrored + 1 : mirrored > 0 ? 1 : 0;
    expect_inner("dcs::pad", x.sizes());
    const extent_t n = x.sizes()[static_cast<std::size_t>(At)];
    expect(n >= least, "dcs::pad: axis ", At, " of sizes ", to_string(x.sizes()), " is ", n, "; to be ", Reflect ? "reflected" : "replicated", " by ",
           mirrored, " it must be at least ", least);
  }
  if constexpr (Before > 0 && After > 0)
    return concat<At>(border<At, Before, Reflect, false>(x), x, border<At, After, Reflect, true>(x));
  else if constexpr (Before > 0)
    return concat<At>(border<At, Before, Reflect, false>(x), x);
  else if constexpr (After > 0)
    return concat<At>(x, border<At, After, Reflect, true>(x));
  else
    return x;
}

}  // namespace detail

/// x with `Before` elements more before its first along an axis, and `After` behind its last; an axis with a name has then the name and the sum
/// (h+2). Constant: of the given number, which has no gradient. A reflection is shorter than the axis, and what is replicated has at least one
/// element: along an axis with a name, dcs::error where that is not so.
template <int Axis, extent_t Before, extent_t After, pad_mode Mode = pad_mode::constant, operand X>
constexpr auto pad(const X& x, double number = 0) {
  using S = shape_t<X>;
  verify(check_of<pad_axis_mismatch<found<S::rank>, expected<axes_with(Axis, S::rank)>, axis<Axis>>>);
  static_assert(Before >= 0 && After >= 0, "dcs::pad: the numbers of elements must be at least 0; slice cuts off");
  constexpr int at = Axis < 0 ? Axis + S::rank : Axis;
  constexpr extent n = extent_of<S, at>;
  static_assert(detail::is_valid(plus(n, Before + After)),
                "dcs::pad: the padded extent is beyond what its type can say: as<shape<...>> gives the axis a new name");
  if constexpr (Mode == pad_mode::constant) {
    if constexpr (any_probe_v<X>)
      return probe_result<with_extent<S, at, plus(n, Before + After)>>(eval(x));
    else
      return detail::padded_with<at, Before, After>(eval(x), number);
  } else {
    if constexpr (Mode == pad_mode::reflect && is_static(n)) {
      verify(check_of<pad_reflect_mismatch<found<Before>, expected<at_most(Before, n - 1)>, axis<at>>>);
      verify(check_of<pad_reflect_mismatch<found<After>, expected<at_most(After, n - 1)>, axis<at>>>);
    }
    return detail::padded_by_border<at, Before, After, Mode == pad_mode::reflect>(eval(x));
  }
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
