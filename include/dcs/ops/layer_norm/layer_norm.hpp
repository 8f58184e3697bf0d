// Layer norm over the last axis (Ba, Kiros & Hinton 2016), optionally of a sum of two operands: a post-norm Transformer normalises x + f(x), and the
// sum then needs no separate pass. Rows are independent; the gradients of gamma and beta are summed by fixed blocks of rows.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/expr/pointwise.hpp>
#include <dcs/ops/layer_norm/cpu.hpp>

DCS_EXACT_MATH
namespace dcs {

template <class Found, class Expected, class Axis>
struct layer_norm_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::layer_norm: gamma and beta must have the extent of the input's last axis");
};
template <class Found, class Expected, class Axis>
struct layer_norm_residual_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::layer_norm: the residual must have the shape of the input");
};

/// Whether layer_norm accepts an input of shape S with parameters of shape P.
template <class S, class P>
concept layer_norm_fits = S::rank >= 1 && P::rank == 1 && extent_of<S, -1> == extent_of<P, 0>;

namespace detail {

template <class S, class R, int... I>
constexpr void check_residual(std::integer_sequence<int, I...>) {
  verify(check_of<layer_norm_residual_mismatch<found<R::rank>, expected<S::rank>, axis<0>>>);
  if constexpr (R::rank == S::rank) (verify(check_of<layer_norm_residual_mismatch<found<extent_of<R, I>>, expected<extent_of<S, I>>, axis<I>>>), ...);
}

template <bool Residual, class X, class R, class G, class B>
constexpr auto layer_norm_of(const X& x_, const R& residual_, const G& gamma_, const B& beta_, double eps) {
  using S = shape_t<X>;
  using P = shape_t<G>;
  verify(check_of<layer_norm_mismatch<found<extent_of<P, 0>>, expected<extent_of<S, -1>>, axis<S::rank - 1>>>);
  verify(check_of<layer_norm_mismatch<found<extent_of<shape_t<B>, 0>>, expected<extent_of<S, -1>>, axis<S::rank - 1>>>);
  static_assert(extent_of<P, 0> >= 1, "dcs::layer_norm: the extent of the last axis is static and at least 1");
  static_assert(P::rank == 1 && shape_t<B>::rank == 1, "dcs::layer_norm: gamma and beta have one axis");
  check_residual<S, shape_t<R>>(std::make_integer_sequence<int, S::rank>{});
  if constexpr (any_probe_v<X>) {
    const auto x = eval(x_);
    note_work<S>(nullptr, S::extents, work{0, 4 * S::size()}, x);
    return probe_result<S>(x);
  } else {
    using T = value_t<X>;
    using D = device_t<X>;
    constexpr auto n = static_cast<extent_t>(extent_of<P, 0>);
    const auto x = eval(x_);
    const auto residual = eval(residual_);
    const auto gamma = eval(gamma_);
    const auto beta = eval(beta_);
    expect_inner("dcs::layer_norm", x.sizes());
    expect_same_names("dcs::layer_norm", x, residual);
    const extent_t rows = x.size() / n;
    auto y = tensor<T, S, D>::empty(x.sizes());
    auto sum = Residual ? tensor<T, S, D>::empty(x.sizes()) : value(x);
    auto statistics = tensor<double, shape<dyn<"row">, 2>, D>::empty({rows, 2});
    layer_norm_forward<T>(D{}, value(x).data(), Residual ? value(residual).data() : nullptr, value(gamma).data(), value(beta).data(), eps, sum.data(),
                          y.data(), statistics.data(), rows, n);
    note_work<S>(value(gamma).data(), x.sizes(), work{0, 4 * y.size()}, x);
    return record(
        std::move(y),
        [rows, sum, statistics, g = value(gamma), gx = sink_of(x), gr = Residual ? sink_of(residual) : decltype(sink_of(residual)){},
         gg = sink_of(gamma), gb = sink_of(beta)](const tensor<T, S, D>& dy) {
          const bool wanted = gx.wanted() || gr.wanted();
          auto dx = wanted ? tensor<T, S, D>::empty(dy.sizes()) : tensor<T, S, D>();
          auto dgamma = tensor<T, P, D>::empty(), dbeta = tensor<T, P, D>::empty();
          layer_norm_backward<T>(D{}, sum.data(), dy.data(), g.data(), statistics.data(), dx.data(), dgamma.data(), dbeta.data(), rows, n);
          gr.add(dx);
          gx.add(std::move(dx));
          gg.add(std::move(dgamma));
          gb.add(std::move(dbeta));
        },
        x, residual, gamma, beta);
  }
}

}  // namespace detail

/// (x − mean) / sqrt(variance + eps) · gamma + beta over the last axis, biased variance. x: shape<..., C>; gamma, beta: shape<C>.
/// PyTorch: torch.nn.functional.layer_norm
template <operand X, operand G, operand B>
constexpr auto layer_norm(const X& x, const G& gamma, const B& beta, double eps = 1e-5) {
  const auto value_of_x = eval(x);  // evaluated once: it is also passed as a placeholder for the missing residual
  return detail::layer_norm_of<false>(value_of_x, value_of_x, gamma, beta, eps);
}
/// The same of x + residual, in one pass.
template <operand X, operand R, operand G, operand B>
constexpr auto layer_norm(const X& x, const R& residual, const G& gamma, const B& beta, double eps = 1e-5) {
  return detail::layer_norm_of<true>(x, residual, gamma, beta, eps);
}
DCS_REFUSE_OTHERS(layer_norm)

}  // namespace dcs

#include <dcs/core/header_end.inl>
