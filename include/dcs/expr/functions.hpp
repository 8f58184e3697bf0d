// The scalar functions that pointwise expressions are made of. A function is an empty type; its value and its partial derivatives stand beside
// each other in functions.inl and activations.inl, for vectors of every instruction set. A user's function is a struct with two static templates,
//
//     struct softsign {
//       template <class T> static T f(T x) { return x / (1 + std::abs(x)); }
//       template <int I, class T> static T df(T y, T x) { ... }   // ∂f/∂x_I at x, where f is y
//     };
//     auto y = eval(apply<softsign>(x) * 2);
//
// and fuses like the built-in ones.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/dtype.hpp>

#include <concepts>
#include <type_traits>

DCS_EXACT_MATH
namespace dcs::functions {

struct add {};
struct sub {};
struct mul {};
struct div {};
struct neg {};
struct relu {};
struct sigmoid {};
struct exp {};
struct log {};
struct sqrt {};
struct square {};
struct abs {};
struct tanh {};
struct maximum {};
struct minimum {};

// Those of activations.inl.
struct erf {};
struct gelu {};
struct gelu_tanh {};
struct silu {};
struct hard_sigmoid {};
struct hard_swish {};
struct softplus {};
struct mish {};
struct prelu {};
struct elu {};
struct clip {};
struct pow {};
struct select {};
struct greater {};
struct greater_equal {};
struct less {};
struct less_equal {};
struct equal {};
struct not_equal {};

/// Whether argument I of a function has a derivative at all: a condition and what is compared have none. Nothing is passed on to such an argument,
/// whose own derivative may be infinite where it is not asked for.
template <class F, int I>
inline constexpr bool has_derivative = true;
template <>
inline constexpr bool has_derivative<select, 0> = false;
#define DCS_NO_DERIVATIVE(function) \
  template <int I>                  \
  inline constexpr bool has_derivative<function, I> = false;
DCS_NO_DERIVATIVE(greater)
DCS_NO_DERIVATIVE(greater_equal)
DCS_NO_DERIVATIVE(less)
DCS_NO_DERIVATIVE(less_equal)
DCS_NO_DERIVATIVE(equal)
DCS_NO_DERIVATIVE(not_equal)
#undef DCS_NO_DERIVATIVE

/// A function with `f` and `df` of its own.
template <class F, class T, class... Args>
concept user_function = requires(Args... x) {
  { F::f(x...) } -> std::convertible_to<T>;
  {F::template df<0>(x..., x...)};
}
|| requires(Args... x) { F::f(x...); };

/// The same, detected by calling f with as many numbers as there are V. (nvcc does not find the address of a template for host and device.)
template <class>
using number_for = double;
template <class F, class... V>
concept scalar_function = requires(number_for<V>... x) {
  F::f(x...);
};

}  // namespace dcs::functions

#include <dcs/core/header_end.inl>
