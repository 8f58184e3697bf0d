// Moving elements without arithmetic: slice (lazy, as fused kernels recognise it), concat, permute and reshape. A copy's unit is the contiguous part
// that the cut axis and those after it make up.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/expr/pointwise.hpp>
#include <dcs/ops/rearrange/cpu.hpp>

DCS_EXACT_MATH
namespace dcs {

DCS_DEFINE_EXTENT_CHECK(slice_axis_mismatch, "dcs::slice: no such axis; number of axes");
DCS_DEFINE_EXTENT_CHECK(slice_mismatch, "dcs::slice: begin + length must not exceed the extent of the axis; beyond it");
DCS_DEFINE_EXTENT_CHECK(concat_mismatch, "dcs::concat: the operands must be equal along every other axis");
DCS_DEFINE_EXTENT_CHECK(concat_rank_mismatch, "dcs::concat: the operands must have the same number of axes");
DCS_DEFINE_EXTENT_CHECK(permute_mismatch, "dcs::permute: every axis of the operand must be named once; number of axes");
DCS_DEFINE_EXTENT_CHECK(permute_twice, "dcs::permute: every axis of the operand must be named once; times");
DCS_DEFINE_EXTENT_CHECK(reshape_mismatch, "dcs::reshape: a static shape must keep the number of elements");

namespace kernels {
struct slice {};
}  // namespace kernels

/// The node of slice. X is the unevaluated operand, so that patterns can recognise it.
template <int Axis, extent_t Begin, extent_t Length, class X>
class slice_node : public lazy<lift_t<with_extent<shape_t<X>, Axis, Length>, X>> {
 public:
  using base = lazy<lift_t<with_extent<shape_t<X>, Axis, Length>, X>>;
  using typename base::result_type;
  using kernel = kernels::slice;
  static constexpr int axis = Axis;
  static constexpr extent_t begin = Begin;
  explicit slice_node(X x) : x_(std::move(x)) {}
  const X& input() const { return x_; }

  result_type evaluate() const {
    return this->once([&]() -> result_type {
      using T = typename base::value_type;
      using D = typename base::device_type;
      using S = shape_t<X>;
      using Out = typename base::shape_type;
      const auto x = eval(x_);
      auto sizes = x.sizes();
      detail::expect_inner("dcs::slice", sizes);
      constexpr auto at = static_cast<std::size_t>(Axis);
      const extent_t outer = detail::product(sizes, 0, at), inner = detail::product(sizes, at + 1, sizes.size()), full = sizes[at];
      sizes[at] = Length;
      auto y = tensor<T, Out, D>::empty(sizes);
      copy_rows(D{}, y.data(), Length * inner, value(x).data() + Begin * inner, full * inner, outer, Length * inner);
      return result_type(record(
          std::move(y),
          [=, n = x.sizes(), gx = sink_of(x)](const tensor<T, Out, D>& dy) {
            auto dx = tensor<T, S, D>::zeros(n);
            copy_rows(D{}, dx.data() + Begin * inner, full * inner, dy.data(), Length * inner, outer, Length * inner);
            gx.add(std::move(dx));
          },
          x));
    });
  }

 private:
  X x_;
};

/// Elements [Begin, Begin + Length) along an axis of static extent. Lazy.
template <int Axis, extent_t Begin, extent_t Length = 1, operand X>
constexpr auto slice(const X& x) {
  using S = shape_t<X>;
  (void)slice_axis_mismatch<found<S::rank>, expected<axes_with(Axis, S::rank)>, axis<Axis>>{};
  constexpr int at = Axis < 0 ? Axis + S::rank : Axis;
  static_assert(is_static(extent_of<S, at>), "dcs::slice: the extent of the axis must be static");
  static_assert(Begin >= 0 && Length >= 1, "dcs::slice: begin must be at least 0 and length at least 1");
  (void)slice_mismatch<found<(Begin + Length > extent_of<S, at> ? Begin + Length : extent_of<S, at>)>, expected<extent_of<S, at>>, axis<at>>{};
  if constexpr (any_probe_v<X>)
    return probe_result<with_extent<S, at, Length>>(eval(x));
  else
    return slice_node<at, Begin, Length, X>(x);
}

namespace detail {
template <int Axis, class A, class B, int... I>
constexpr void check_concat_axes(std::integer_sequence<int, I...>) {
  ((void)concat_mismatch<found<(I == Axis ? 0 : extent_of<B, I>)>, expected<(I == Axis ? 0 : extent_of<A, I>)>, axis<I>>{}, ...);
}
template <int Axis, class A, class B>
constexpr void check_concat() {
  (void)concat_rank_mismatch<found<B::rank>, expected<A::rank>, axis<Axis>>{};
  static_assert(is_static(extent_of<B, Axis>), "dcs::concat: the extents along the axis must be static");
  check_concat_axes<Axis, A, B>(std::make_integer_sequence<int, A::rank>{});
}
}  // namespace detail

/// The operands concatenated along an axis of static extents.
template <int Axis, operand A, operand... B>
constexpr auto concat(const A& a_, const B&... b_) {
  using S = shape_t<A>;
  constexpr int at = Axis < 0 ? Axis + S::rank : Axis;
  static_assert(is_static(extent_of<S, at>), "dcs::concat: the extents along the axis must be static");
  (detail::check_concat<at, S, shape_t<B>>(), ...);
  constexpr extent_t total = (extent_of<S, at> + ... + extent_of<shape_t<B>, at>);
  using Out = typename with_extent<S, at, total>::self;
  if constexpr (any_probe_v<A, B...>) {
    return probe_result<Out>(eval(a_), eval(b_)...);
  } else {
    using T = value_t<A>;
    using D = device_t<A>;
    return [&](const auto&... x) {
      auto sizes = std::get<0>(std::tie(x...)).sizes();
      const extent_t outer = detail::product(sizes, 0, at), inner = detail::product(sizes, at + 1, sizes.size());
      detail::expect_same_names("dcs::concat", x...);
      (detail::expect_inner("dcs::concat", x.sizes()), ...);
      sizes[at] = total;
      auto y = tensor_of<Out, A>::empty(sizes);
      extent_t begin = 0;
      auto copy_in = [&](const auto& v) {
        const extent_t width = v.sizes()[at] * inner;
        copy_rows(D{}, y.data() + begin, total * inner, value(v).data(), width, outer, width);
        begin += width;
      };
      (copy_in(x), ...);
      return record(
          std::move(y),
          [=, to = std::make_tuple(std::pair(sink_of(x), x.sizes())...)](const tensor<T, Out, D>& dy) {
            extent_t from = 0;
            auto give = [&]<class L>(const std::pair<sink<T, L, D>, dcs::sizes<L::rank>>& target) {
              const extent_t width = target.second[at] * inner;
              if (target.first.wanted()) {
                auto dx = tensor<T, L, D>::empty(target.second);
                copy_rows(D{}, dx.data(), width, dy.data() + from, total * inner, outer, width);
                target.first.add(std::move(dx));
              }
              from += width;
            };
            std::apply([&](const auto&... target) { (give(target), ...); }, to);
          },
          x...);
    }(eval(a_), eval(b_)...);
  }
}

namespace detail {

template <class S, int... Axes>
struct permute_rule {
  static constexpr extent_t at(std::size_t i) {
    constexpr int order[] = {Axes...};
    return S::extents[static_cast<std::size_t>(order[i])];
  }
};

template <class To, class T, class D, class From>
tensor<T, To, D> permuted(const tensor<T, From, D>& x, const std::array<int, static_cast<std::size_t>(From::rank)>& order) {
  constexpr auto rank = static_cast<std::size_t>(From::rank);
  sizes<To::rank> n{}, stride{};
  const auto dense = dense_strides(x.sizes());
  for (std::size_t i = 0; i < rank; ++i) n[i] = x.sizes()[static_cast<std::size_t>(order[i])], stride[i] = dense[static_cast<std::size_t>(order[i])];
  auto y = tensor<T, To, D>::empty(n);
  if (y.size() == 0) return y;
  copy_strided(D{}, y.data(), x.data(), n.data(), stride.data(), To::rank);
  return y;
}

template <int Axis, int... Axes>
inline constexpr extent_t times_named = (extent_t{Axes == Axis} + ... + 0);
template <int... Axes, int... I>
constexpr void check_permute(std::integer_sequence<int, I...>) {
  ((void)permute_twice<found<times_named<I, Axes...>>, expected<1>, axis<I>>{}, ...);
}

}  // namespace detail

/// Axis i of the result is axis Axes[i] of x.
template <int... Axes, operand X>
constexpr auto permute(const X& x_) {
  using S = shape_t<X>;
  (void)permute_mismatch<found<static_cast<extent_t>(sizeof...(Axes))>, expected<S::rank>, axis<0>>{};
  detail::check_permute<Axes...>(std::make_integer_sequence<int, S::rank>{});
  using Out = typename make_shape<detail::permute_rule<S, Axes...>, S::rank>::self;
  if constexpr (any_probe_v<X>) {
    return probe_result<Out>(eval(x_));
  } else {
    using T = value_t<X>;
    using D = device_t<X>;
    const auto x = eval(x_);
    detail::expect_inner("dcs::permute", x.sizes());
    return record(
        detail::permuted<Out>(value(x), {Axes...}),
        [gx = sink_of(x)](const tensor<T, Out, D>& dy) {
          std::array<int, static_cast<std::size_t>(S::rank)> back{};
          constexpr int order[] = {Axes...};
          for (int i = 0; i < S::rank; ++i) back[static_cast<std::size_t>(order[i])] = i;
          gx.add(detail::permuted<S>(dy, back));
        },
        x);
  }
}

namespace detail {
template <class Out, class In>
constexpr void check_reshape() {
  if constexpr (Out::is_static && In::is_static) (void)reshape_mismatch<found<Out::size()>, expected<In::size()>, axis<0>>{};
}
// Sizes under the new shape: named extents that the old shape has keep their size, at most one other is computed.
template <class Out, class In>
sizes<Out::rank> reshaped(const sizes<In::rank>& n) {
  expect_inner("dcs::reshape", n);
  sizes<Out::rank> s{};
  std::size_t open = s.size(), from = 0;
  for (std::size_t i = 0; i < s.size(); ++i) {
    s[i] = Out::extents[i];
    if (s[i] < 0) {
      for (std::size_t k = 0; k < n.size(); ++k)
        if (In::extents[k] == Out::extents[i]) s[i] = n[k];
      if (s[i] < 0) {
        expect(open == s.size(), "dcs::reshape: more than one extent of ", to_string(Out::extents), " is unknown");
        open = i;
        s[i] = 1;
      }
    }
  }
  if constexpr (Out::rank > 0 && In::rank > 0)
    if (n[0] == 0 && s[0] == 0 && open > 0) from = 1;  // an empty first axis: the other axes must fit as they would for one image
  // The sizes of the new shape have not been checked yet, so that their product may be too large.
  const extent_t all = product(n, from, n.size()), known = product_or_none(s.data() + from, s.size() - from);
  if (open < s.size() && known >= 0) s[open] = known == 0 ? 0 : all / known;
  expect(known >= 0 && product(s, from, s.size()) == all, "dcs::reshape: sizes ", to_string(n), " hold ", count(n), " elements; ",
         to_string(Out::extents), " does not");
  return s;
}
}  // namespace detail

/// The same elements, in the same order, under another shape; shares memory. Extents named in both shapes keep their size; at most one that is only
/// in the new shape is computed.
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
