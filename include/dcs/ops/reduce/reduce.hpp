// Sums and means. The order of summation depends on the sizes alone (expr/chain.hpp), in double, so any number of threads gives the same bits.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/expr/pointwise.hpp>

DCS_EXACT_MATH
namespace dcs {

template <class Found, class Expected, class Axis>
struct sum_axis_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::sum: no such axis; number of axes");
};

namespace detail {

template <class S, int... Axes>
struct reduce_rule {
  static constexpr bool summed(std::size_t i) { return ((static_cast<int>(i) == (Axes < 0 ? Axes + S::rank : Axes)) || ...); }
  static constexpr extent at(std::size_t i) { return summed(i) ? 1 : S::extents[i]; }
};

// Σ over the axes whose size in `to` is 1, times `factor`; the backward pass repeats the gradient along them.
template <class Out, class X>
auto reduce_to(const X& x, const sizes<shape_t<X>::rank>& kept, const sizes<Out::rank>& out_sizes, double factor) {
  using S = shape_t<X>;
  using T = value_t<X>;
  using D = device_t<X>;
  auto y = tensor_of<Out, X>::empty(out_sizes);
  std::int64_t strides[expr::max_rank] = {};
  const auto dense = dense_strides(kept);
  for (std::size_t i = 0; i < dense.size(); ++i) strides[i] = kept[i] == 1 ? 0 : dense[i];
  sum_to(D{}, y.data(), y.size(), value(x).data(), x.sizes().data(), S::rank, strides, factor);
  return record(
      std::move(y),
      [n = x.sizes(), kept, factor, gx = sink_of(x)](const tensor<T, Out, D>& dy) {
        using form = expr::call<functions::mul, expr::leaf<0>, expr::constant<0>>;
        expr::chain_arguments<T, 1> a;
        std::int64_t leaf[1][expr::max_rank] = {};
        const auto strides_of_kept = dense_strides(kept);
        for (std::size_t i = 0; i < kept.size(); ++i) leaf[0][i] = kept[i] == 1 ? 0 : strides_of_kept[i];
        auto dx = tensor<T, S, D>::empty(n);
        a.in[0] = dy.data(), a.out = dx.data(), a.constants[0] = factor;
        a.lay_out(n.data(), S::rank, leaf);
        if (dx.size() > 0) chain_forward<form>(D{}, a);
        gx.add(std::move(dx));
      },
      x);
}

template <bool Mean, int... Axes, class X>
constexpr auto reduce(const X& x_) {
  using S = shape_t<X>;
  static_assert(sizeof...(Axes) > 0, "dcs::sum: names no axis; sum_all sums over every one");
  (verify(check_of<sum_axis_mismatch<found<S::rank>, expected<axes_with(Axes, S::rank)>, axis<Axes>>>), ...);
  using rule = reduce_rule<S, Axes...>;
  using Out = make_shape<rule, S::rank>;
  if constexpr (any_probe_v<X>) {
    return probe_result<Out>(eval(x_));
  } else {
    const auto x = eval(x_);
    auto kept = x.sizes();
    expect_inner(Mean ? "dcs::mean" : "dcs::sum", kept);
    extent_t n = 1;
    for (std::size_t i = 0; i < kept.size(); ++i)
      if (rule::summed(i)) n *= kept[i], kept[i] = 1;
    expect(!Mean || n > 0 || count(kept) == 0, "dcs::mean: nothing to average in sizes ", to_string(x.sizes()));
    return reduce_to<Out>(x, kept, kept, Mean ? 1.0 / static_cast<double>(std::max<extent_t>(n, 1)) : 1.0);
  }
}

template <bool Mean, class X>
constexpr auto reduce_all(const X& x_) {
  if constexpr (any_probe_v<X>) {
    return probe_result<shape<>>(eval(x_));
  } else {
    const auto x = eval(x_);
    auto kept = x.sizes();
    expect_inner(Mean ? "dcs::mean_all" : "dcs::sum_all", kept);
    kept.fill(1);
    expect(!Mean || x.size() > 0, "dcs::mean_all: nothing to average in sizes ", to_string(x.sizes()));
    return reduce_to<shape<>>(x, kept, {}, Mean ? 1.0 / static_cast<double>(x.size()) : 1.0);
  }
}

}  // namespace detail

/// Sum over axes, which become axes of size 1.
/// PyTorch: torch.sum(keepdim=True)
template <int... Axes, operand X>
constexpr auto sum(const X& x) {
  return detail::reduce<false, Axes...>(x);
}
/// Mean over axes, which become axes of size 1.
/// PyTorch: torch.mean(keepdim=True)
template <int... Axes, operand X>
constexpr auto mean(const X& x) {
  return detail::reduce<true, Axes...>(x);
}
/// Sum of all elements, of shape<>.
/// PyTorch: torch.sum
/// Runs: as sum
template <operand X>
constexpr auto sum_all(const X& x) {
  return detail::reduce_all<false>(x);
}
/// Mean of all elements, of shape<>. Throws dcs::error where there is no element.
/// PyTorch: torch.mean
/// Runs: as mean
template <operand X>
constexpr auto mean_all(const X& x) {
  return detail::reduce_all<true>(x);
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
