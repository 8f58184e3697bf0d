// The functions that networks use between their layers, and those that select: pointwise expressions like x + y, which join the chain around them.
// Their values and derivatives stand in activations.inl.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/expr/pointwise.hpp>

DCS_EXACT_MATH
namespace dcs {

namespace detail {
// What stands for an operand beside x: itself, or a number of x's element type.
template <class X, class A>
constexpr auto operand_or_number(A a) {
  if constexpr (std::is_arithmetic_v<A>)
    return number<X>(static_cast<double>(a));
  else
    return a;
}
template <class F, class X, class... A>
constexpr auto apply_with_numbers(X x, A... a) {
  return pointwise<F, X, decltype(operand_or_number<X>(a))...>(std::move(x), operand_or_number<X>(std::move(a))...);
}
}  // namespace detail

/// An operand, or a number that stands for one.
template <class A>
concept operand_or_number = operand<A> || number<A>;

#define DCS_ACTIVATION(function)                            \
  template <operand A>                                      \
  constexpr auto function(A a) {                            \
    return pointwise<functions::function, A>(std::move(a)); \
  }
/// The error function, 2 / √π ∫₀ˣ e^(−t²) dt.
/// PyTorch: torch.erf
/// Runs: as pointwise chains
DCS_ACTIVATION(erf)
/// x · Φ(x), with the distribution function Φ of the normal distribution (Hendrycks and Gimpel 2016).
/// PyTorch: torch.nn.functional.gelu
/// Runs: as pointwise chains
DCS_ACTIVATION(gelu)
/// Its approximation x / 2 · (1 + tanh(√(2/π) (x + 0.044715 x³))).
/// PyTorch: torch.nn.functional.gelu(approximate="tanh")
/// Runs: as pointwise chains
DCS_ACTIVATION(gelu_tanh)
/// x · sigmoid(x), also called swish (Elfwing et al. 2018).
/// PyTorch: torch.nn.functional.silu
/// Runs: as pointwise chains
DCS_ACTIVATION(silu)
/// min(max(x + 3, 0), 6) / 6.
/// PyTorch: torch.nn.functional.hardsigmoid
/// Runs: as pointwise chains
DCS_ACTIVATION(hard_sigmoid)
/// x · hard_sigmoid(x) (Howard et al. 2019).
/// PyTorch: torch.nn.functional.hardswish
/// Runs: as pointwise chains
DCS_ACTIVATION(hard_swish)
/// log(1 + e^x), without overflow and without PyTorch's threshold, above which it is x.
/// PyTorch: torch.nn.functional.softplus
/// Runs: as pointwise chains
DCS_ACTIVATION(softplus)
/// x · tanh(softplus(x)) (Misra 2019).
/// PyTorch: torch.nn.functional.mish
/// Runs: as pointwise chains
DCS_ACTIVATION(mish)
#undef DCS_ACTIVATION

/// x where it is above 0, else slope · x; the slope is a number or an operand that broadcasts, as one of each channel.
/// PyTorch: torch.nn.functional.prelu
/// Runs: as pointwise chains
template <operand A, operand_or_number S>
constexpr auto prelu(A a, S slope) {
  return detail::apply_with_numbers<functions::prelu>(std::move(a), std::move(slope));
}
/// The same with a number.
/// PyTorch: torch.nn.functional.leaky_relu
/// Runs: as pointwise chains
template <operand A>
constexpr auto leaky_relu(A a, double slope = 0.01) {
  return prelu(std::move(a), slope);
}
/// x where it is above 0, else alpha · (e^x − 1) (Clevert et al. 2016).
/// PyTorch: torch.nn.functional.elu
/// Runs: as pointwise chains
template <operand A>
constexpr auto elu(A a, double alpha = 1) {
  return detail::apply_with_numbers<functions::elu>(std::move(a), alpha);
}
/// x between two bounds, numbers or operands that broadcast; clip(x, 0, 6) is ReLU6. On a bound the gradient is 0.
/// PyTorch: torch.clip
/// Runs: as pointwise chains
template <operand A, operand_or_number Low, operand_or_number High>
constexpr auto clip(A a, Low low, High high) {
  return detail::apply_with_numbers<functions::clip>(std::move(a), std::move(low), std::move(high));
}
/// x^p. NaN where x is below 0 and p is not whole; the gradient of an exponent that is an operand needs x ≥ 0.
/// PyTorch: torch.pow
/// Runs: as pointwise chains
template <operand A, operand_or_number P>
constexpr auto pow(A a, P p) {
  return detail::apply_with_numbers<functions::pow>(std::move(a), std::move(p));
}
/// a where the condition is not 0, else b, by element; all three broadcast, and a and b may be numbers. The condition has no gradient, and what is
/// not selected gets 0. As in PyTorch, 0 times an infinite derivative of what is not selected is NaN: log(where(c, x, 1)) is safe where where(c,
/// log(x), 0) is not.
///
/// PyTorch: torch.where
/// Runs: as pointwise chains
template <operand Condition, operand_or_number A, operand_or_number B>
constexpr auto where(Condition condition, A a, B b) {
  return detail::apply_with_numbers<functions::select>(std::move(condition), std::move(a), std::move(b));
}

#define DCS_COMPARISON(function)                                                        \
  template <operand A, operand_or_number B>                                             \
  constexpr auto function(A a, B b) {                                                   \
    return detail::apply_with_numbers<functions::function>(std::move(a), std::move(b)); \
  }
/// 1 where a > b, else 0, as a condition of where; b is an operand or a number. Without a gradient, like the five that follow.
/// PyTorch: torch.gt
/// Runs: as pointwise chains
DCS_COMPARISON(greater)
/// 1 where a ≥ b, else 0.
/// PyTorch: torch.ge
/// Runs: as pointwise chains
DCS_COMPARISON(greater_equal)
/// 1 where a < b, else 0.
/// PyTorch: torch.lt
/// Runs: as pointwise chains
DCS_COMPARISON(less)
/// 1 where a ≤ b, else 0.
/// PyTorch: torch.le
/// Runs: as pointwise chains
DCS_COMPARISON(less_equal)
/// 1 where a = b, else 0.
/// PyTorch: torch.eq
/// Runs: as pointwise chains
DCS_COMPARISON(equal)
/// 1 where a ≠ b, else 0.
/// PyTorch: torch.ne
/// Runs: as pointwise chains
DCS_COMPARISON(not_equal)
#undef DCS_COMPARISON

// The entry points that dcs::compiled contains (core/compiled.hpp).
#define DCS_ACTIVATION_EXPRESSIONS(declare, T)                      \
  DCS_EXPRESSION(declare, T, erf(expr::map<T>()))                   \
  DCS_EXPRESSION(declare, T, gelu(expr::map<T>()))                  \
  DCS_EXPRESSION(declare, T, gelu_tanh(expr::map<T>()))             \
  DCS_EXPRESSION(declare, T, silu(expr::map<T>()))                  \
  DCS_EXPRESSION(declare, T, hard_sigmoid(expr::map<T>()))          \
  DCS_EXPRESSION(declare, T, hard_swish(expr::map<T>()))            \
  DCS_EXPRESSION(declare, T, softplus(expr::map<T>()))              \
  DCS_EXPRESSION(declare, T, mish(expr::map<T>()))                  \
  DCS_EXPRESSION(declare, T, prelu(expr::map<T>(), expr::map<T>())) \
  DCS_EXPRESSION(declare, T, leaky_relu(expr::map<T>()))            \
  DCS_EXPRESSION(declare, T, elu(expr::map<T>()))                   \
  DCS_EXPRESSION(declare, T, clip(expr::map<T>(), 0, 1))            \
  DCS_EXPRESSION(declare, T, pow(expr::map<T>(), 1))
DCS_ENTRIES(DCS_ACTIVATION_EXPRESSIONS)

}  // namespace dcs

#include <dcs/core/header_end.inl>
