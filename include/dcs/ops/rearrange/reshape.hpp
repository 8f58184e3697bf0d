// reshape: the same elements in the same order under another shape, without a copy. The compiler compares the numbers of elements as far as the types
// tell them: named extents that both shapes have cancel, and what is left are products of numbers. The rest is checked at run time, with the sizes.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/expr/pointwise.hpp>

DCS_EXACT_MATH
namespace dcs {

template <class Found, class Expected, class Axis>
struct reshape_mismatch {
  static_assert(same_extent<Found, Expected>,
                "dcs::reshape: the new shape must keep the number of elements; product of the static extents, as the names of both cancel");
};
template <class Found, class Expected, class Axis>
struct reshape_remainder {
  static_assert(same_extent<Found, Expected>,
                "dcs::reshape: the static extents of the new shape must divide the number of elements, so that the named one can be computed; "
                "remainder");
};

namespace detail {

// The products of two shapes' static extents, after named extents that both have are left out with their whole factors: of <batch*4, 6> and
// <batch, 4, 6> both are 24. `in_left` and `out_left` count the named extents that are left.
struct reshape_balance {
  extent in = 1, out = 1;
  int in_left = 0, out_left = 0;
};
template <class Out, class In>
constexpr reshape_balance balance_of() {
  reshape_balance b;
  std::array<extent, static_cast<std::size_t>(In::rank)> rest{};
  auto to = rest.begin();
  for (const extent e : In::extents) {
    const factored f = factored_of(e);
    b.in *= f.factor, *to++ = f.rest;
    b.in_left += f.rest != 1;
  }
  for (const extent e : Out::extents) {
    const factored f = factored_of(e);
    b.out *= f.factor;
    bool cancels = f.rest == 1;
    for (extent& r : rest)
      if (!cancels && r == f.rest) cancels = true, r = 1, --b.in_left;
    b.out_left += !cancels;
  }
  return b;
}
template <class Out, class In>
constexpr void check_reshape() {
  if constexpr (Out::is_static && In::is_static) {
    verify(check_of<reshape_mismatch<found<Out::size()>, expected<In::size()>, axis<0>>>);
  } else {
    constexpr reshape_balance b = balance_of<Out, In>();
    if constexpr (b.in_left == 0 && b.out_left == 0) verify(check_of<reshape_mismatch<found<b.out>, expected<b.in>, axis<0>>>);
    if constexpr (b.in_left == 0 && b.out_left == 1 && b.out > 0) verify(check_of<reshape_remainder<found<b.in % b.out>, expected<0>, axis<0>>>);
  }
}

// Sizes under the new shape: those that the names of the old shape tell, and at most one other, which is computed.
template <class Out, class In>
sizes<Out::rank> reshaped(const sizes<In::rank>& n) {
  expect_inner("dcs::reshape", n);
  sizes<Out::rank> s{};
  const sized_extents old{extents_of<In>.data(), n.data(), n.size()};
  std::size_t open = s.size(), from = 0;
  for (std::size_t i = 0; i < s.size(); ++i) {
    s[i] = size_told_by(old, Out::extents[i]);
    if (s[i] >= 0) continue;
    expect(open == s.size(), "dcs::reshape: more than one extent of ", to_string(Out::extents), " is unknown");
    open = i;
    s[i] = 1;
  }
  // With an empty first axis the other axes must fit as they would for one image: those of <n*3, 4> as those of <n, 12>.
  extent in_factor = 1, out_factor = 1;
  if constexpr (Out::rank > 0 && In::rank > 0) {
    constexpr factored a = factored_of(In::extents[0]), b = factored_of(Out::extents[0]);
    if (n[0] == 0 && s[0] == 0 && open > 0 && a.rest == b.rest) {
      from = 1;
      if (is_dynamic(a.rest)) in_factor = a.factor, out_factor = b.factor;
    }
  }
  // The sizes of the new shape have not been checked yet, so that their product may be too large.
  const extent all = product(n, from, n.size()) * in_factor, known = product_or_none(s.data() + from, s.size() - from) * out_factor;
  if (open < s.size() && known >= 0) s[open] = known == 0 ? 0 : static_cast<extent_t>(all / known);
  expect(known >= 0 && product(s, from, s.size()) * out_factor == all, "dcs::reshape: sizes ", to_string(n), " hold ", count(n), " elements; ",
         to_string(Out::extents), " does not");
  if constexpr (!Out::is_static && !In::is_static)
    if (open < s.size()) expect_names("dcs::reshape", {old, sized_extents{extents_of<Out>.data(), s.data(), s.size()}});
  return s;
}

}  // namespace detail

/// The same elements, in the same order, under another shape; shares memory. Extents that the names of the old shape tell have that size, as batch*4
/// of batch; at most one other is computed. Static extents are compared by the compiler where the names of both shapes cancel. Throws dcs::error
/// where the sizes do not hold the elements.
/// PyTorch: torch.reshape
template <class Out, operand X>
constexpr auto reshape(const X& x_) {
  using S = shape_t<X>;
  static_assert(is_shape<Out>::value, "dcs::reshape: the template argument is a shape<...>");
  detail::check_reshape<Out, S>();
  if constexpr (any_probe_v<X>) {
    return probe_result<Out>(eval(x_));
  } else {
    using T = value_t<X>;
    using D = device_t<X>;
    const auto x = eval(x_);
    return record(
        tensor_of<Out, X>::adopt(value(x).memory(), detail::reshaped<Out, S>(x.sizes())),
        [n = x.sizes(), gx = sink_of(x)](const tensor<T, Out, D>& dy) { gx.add(tensor<T, S, D>::adopt(dy.memory(), n)); }, x);
  }
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
