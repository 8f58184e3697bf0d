// Moving elements without arithmetic: slice (lazy, as fused kernels recognise it), concat and permute; reshape.hpp is reshape, which moves none. A
// copy's unit is the contiguous part that the cut axis and those after it make up.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/expr/pointwise.hpp>
#include <dcs/ops/rearrange/checks.hpp>
#include <dcs/ops/rearrange/cpu.hpp>
#include <dcs/ops/rearrange/reshape.hpp>

DCS_EXACT_MATH
namespace dcs {

namespace kernels {
struct slice {};
}  // namespace kernels

namespace detail {
// The size of a slice of an axis of this size. Bounds that the types do not tell are checked here.
template <class S, int Axis, extent_t Begin, extent Length>
extent_t slice_length(extent_t full) {
  if constexpr (is_static(extent_of<S, Axis>)) {
    return static_cast<extent_t>(Length);
  } else {
    constexpr auto cut = is_static(Length) ? extent_t{0} : static_cast<extent_t>(minus(extent_of<S, Axis>, Length));
    const extent_t length = is_static(Length) ? static_cast<extent_t>(Length) : full - cut;
    expect(length >= 0 && Begin + length <= full, "dcs::slice: begin ", Begin, " + length ",
           is_static(Length) ? to_string(Length) : std::to_string(length), " along axis ", Axis, " (", to_string(extent_of<S, Axis>), ") of size ",
           full, "; expected at most its size");
    return length;
  }
}

// `length` elements along axis At from `begin` on, which lie within it. Out: the shape of the result.
template <int At, class Out, class X>
auto sliced_from(const X& x, extent_t begin, extent_t length) {
  using T = value_t<X>;
  using S = shape_t<X>;
  using D = device_t<X>;
  constexpr auto at = static_cast<std::size_t>(At);
  auto sizes = x.sizes();
  const extent_t outer = product(sizes, 0, at), inner = product(sizes, at + 1, sizes.size());
  const extent_t width = length * inner, row = sizes[at] * inner, offset = begin * inner;
  sizes[at] = length;
  auto y = tensor<T, Out, D>::empty(sizes);
  copy_rows(D{}, y.data(), width, value(x).data() + offset, row, outer, width);
  return record(
      std::move(y),
      [=, n = x.sizes(), gx = sink_of(x)](const tensor<T, Out, D>& dy) {
        auto dx = tensor<T, S, D>::zeros(n);
        copy_rows(D{}, dx.data() + offset, row, dy.data(), width, outer, width);
        gx.add(std::move(dx));
      },
      x);
}

}  // namespace detail

/// The node of slice. X is the unevaluated operand, so that patterns can recognise it.
template <int Axis, extent_t Begin, extent Length, class X>
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
      const auto x = eval(x_);
      auto sizes = x.sizes();
      detail::expect_inner("dcs::slice", sizes);
      auto& size = sizes[static_cast<std::size_t>(Axis)];
      size = detail::slice_length<shape_t<X>, Axis, Begin, Length>(size);
      detail::expect_inner("dcs::slice", sizes);
      return result_type(detail::sliced_from<Axis, typename base::shape_type>(x, Begin, size));
    });
  }

 private:
  X x_;
};

/// Elements [Begin, Begin + Length) along an axis. Length is a number, or of a named axis its extent less a number: slice<1, 1, minus(dyn<"height">,
/// 1)> leaves out the first row. Throws dcs::error where a named axis is too short. Lazy.
/// PyTorch: torch.narrow
template <int Axis, extent_t Begin, extent Length = 1, operand X>
constexpr auto slice(const X& x) {
  using S = shape_t<X>;
  verify(check_of<slice_axis_mismatch<found<S::rank>, expected<axes_with(Axis, S::rank)>, axis<Axis>>>);
  constexpr int at = Axis < 0 ? Axis + S::rank : Axis;
  detail::check_slice<S, at, Begin, Length>();
  if constexpr (any_probe_v<X>)
    return probe_result<with_extent<S, at, Length>>(eval(x));
  else
    return slice_node<at, Begin, Length, X>(x);
}

namespace detail {
// The size of the operands together. A sum above largest_product, which the result's sizes refuse, does not overflow.
template <class... X>
extent_t total_size(std::size_t axis, const X&... x) {
  extent_t n = 0;
  ((n = std::min(n, largest_product) + x.sizes()[axis]), ...);
  return n;
}
}  // namespace detail

/// The operands concatenated along an axis, whose extent becomes the sum of theirs: of height and 2 it is height+2, of a and b a+b, of n and n n*2.
/// PyTorch: torch.cat
template <int Axis, operand A, operand... B>
constexpr auto concat(const A& a_, const B&... b_) {
  using S = shape_t<A>;
  constexpr int at = Axis < 0 ? Axis + S::rank : Axis;
  (detail::check_concat<at, S, shape_t<B>>(), ...);
  constexpr extent sum = detail::sum_of_all({extent_of<S, at>, extent_or_one<shape_t<B>, at>()...});
  static_assert(detail::is_valid(sum),
                "dcs::concat: the sum of the named extents along the axis is beyond what a type can say (19 characters, as in "
                "height*2+width): as<shape<...>> gives them shorter names");
  using Out = typename with_extent<S, at, (detail::is_valid(sum) ? sum : 1)>::self;
  if constexpr (!(detail::fits_behind<at, S, shape_t<B>>() && ...) || !detail::is_valid(sum)) {
    return typename lift_t<Out, A, B...>::self();
  } else if constexpr (any_probe_v<A, B...>) {
    return probe_result<Out>(eval(a_), eval(b_)...);
  } else {
    using T = value_t<A>;
    using D = device_t<A>;
    return [&](const auto&... x) {
      auto sizes = std::get<0>(std::tie(x...)).sizes();
      const extent_t outer = detail::product(sizes, 0, at), inner = detail::product(sizes, at + 1, sizes.size());
      detail::expect_same_names("dcs::concat", x...);
      (detail::expect_inner("dcs::concat", x.sizes()), ...);
      const extent_t total = sizes[at] = detail::total_size(at, x...);
      auto y = tensor_of<Out, A>::empty(sizes);
      if constexpr (is_dynamic(sum)) detail::expect_same_names("dcs::concat", x..., y);
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
  static constexpr extent at(std::size_t i) {
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

}  // namespace detail

DCS_REFUSE_OTHERS(concat)

/// Axis i of the result is axis Axes[i] of x.
/// PyTorch: torch.permute
template <int... Axes, operand X>
constexpr auto permute(const X& x_) {
  using S = shape_t<X>;
  detail::check_permute<S::rank, Axes...>();
  if constexpr (!detail::is_permutation<S::rank, Axes...>()) {
    return eval(x_);
  } else if constexpr (any_probe_v<X>) {
    using Out = typename make_shape<detail::permute_rule<S, Axes...>, S::rank>::self;
    return probe_result<Out>(eval(x_));
  } else {
    using Out = typename make_shape<detail::permute_rule<S, Axes...>, S::rank>::self;
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

}  // namespace dcs

#include <dcs/core/header_end.inl>
