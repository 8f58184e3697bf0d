// The pointwise expressions that dcs::compiled has kernels for. The kernels of an expression are compiled in the unit that writes it; but networks
// use the same few expressions: a function of one or two operands, relu of a sum, a scale and a shift. These are listed here in the notation of
// expressions, DCS_EXPRESSION(declare, T, relu(map<T>() + map<T>())), and a header with expressions of its own lists those (loss/segmentation.hpp).
// Kernels depend on the form of an expression and not on shapes, so an operand of any shape serves for the list. An expression that is in no list is
// compiled in its own unit, with the same bits. See core/compiled.hpp.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/expr/pointwise.hpp>

DCS_EXACT_MATH
namespace dcs {

namespace expr {

/// Any operand with elements of type T, for decltype.
template <class T>
tensor<T, shape<1>> map();

/// The form of a pointwise expression, and how many leaves it has.
template <class E>
using form_of = typename dcs::detail::form<E, 0, 0>::type;
template <class E>
inline constexpr int leaves_of = dcs::detail::form<E, 0, 0>::leaves;

}  // namespace expr

#define DCS_EXPRESSION(declare, T, ...)                                                                                                    \
  declare untyped<T> detail::run_chain<expr::form_of<decltype(__VA_ARGS__)>, T, cpu_device, expr::leaves_of<decltype(__VA_ARGS__)>, true>( \
      const double*, std::array<detail::chain_leaf<T>, expr::leaves_of<decltype(__VA_ARGS__)>>&&, std::int64_t*, int);                     \
  declare void cpu::chain_forward<expr::form_of<decltype(__VA_ARGS__)>, T, expr::leaves_of<decltype(__VA_ARGS__)>>(                        \
      cpu_device, const expr::chain_arguments<T, expr::leaves_of<decltype(__VA_ARGS__)>>&);                                                \
  declare void cpu::chain_backward<expr::form_of<decltype(__VA_ARGS__)>, T, expr::leaves_of<decltype(__VA_ARGS__)>>(                       \
      cpu_device, const expr::chain_arguments<T, expr::leaves_of<decltype(__VA_ARGS__)>>&, const T*, T* const*);

#define DCS_UNARY_EXPRESSIONS(declare, T)             \
  DCS_EXPRESSION(declare, T, -expr::map<T>())         \
  DCS_EXPRESSION(declare, T, relu(expr::map<T>()))    \
  DCS_EXPRESSION(declare, T, sigmoid(expr::map<T>())) \
  DCS_EXPRESSION(declare, T, exp(expr::map<T>()))     \
  DCS_EXPRESSION(declare, T, log(expr::map<T>()))     \
  DCS_EXPRESSION(declare, T, sqrt(expr::map<T>()))    \
  DCS_EXPRESSION(declare, T, square(expr::map<T>()))  \
  DCS_EXPRESSION(declare, T, abs(expr::map<T>()))     \
  DCS_EXPRESSION(declare, T, tanh(expr::map<T>()))
#define DCS_BINARY_EXPRESSIONS(declare, T)                            \
  DCS_EXPRESSION(declare, T, expr::map<T>() + expr::map<T>())         \
  DCS_EXPRESSION(declare, T, expr::map<T>() - expr::map<T>())         \
  DCS_EXPRESSION(declare, T, expr::map<T>() * expr::map<T>())         \
  DCS_EXPRESSION(declare, T, expr::map<T>() / expr::map<T>())         \
  DCS_EXPRESSION(declare, T, maximum(expr::map<T>(), expr::map<T>())) \
  DCS_EXPRESSION(declare, T, minimum(expr::map<T>(), expr::map<T>())) \
  DCS_EXPRESSION(declare, T, expr::map<T>() + 1)                      \
  DCS_EXPRESSION(declare, T, expr::map<T>() - 1)                      \
  DCS_EXPRESSION(declare, T, expr::map<T>() * 1)                      \
  DCS_EXPRESSION(declare, T, expr::map<T>() / 1)                      \
  DCS_EXPRESSION(declare, T, 1 + expr::map<T>())                      \
  DCS_EXPRESSION(declare, T, 1 - expr::map<T>())                      \
  DCS_EXPRESSION(declare, T, 1 * expr::map<T>())                      \
  DCS_EXPRESSION(declare, T, 1 / expr::map<T>())
#define DCS_NETWORK_EXPRESSIONS(declare, T)                                                           \
  DCS_EXPRESSION(declare, T, relu(expr::map<T>() + expr::map<T>()))                                   \
  DCS_EXPRESSION(declare, T, expr::map<T>() * expr::map<T>() + expr::map<T>())                        \
  DCS_EXPRESSION(declare, T, relu(expr::map<T>() * expr::map<T>() + expr::map<T>()))                  \
  DCS_EXPRESSION(declare, T, relu(expr::map<T>() * expr::map<T>() + expr::map<T>() + expr::map<T>())) \
  DCS_EXPRESSION(declare, T, expr::map<T>() + expr::map<T>() * expr::map<T>())                        \
  DCS_EXPRESSION(declare, T, expr::map<T>() * expr::map<T>() + expr::map<T>() * expr::map<T>())       \
  DCS_EXPRESSION(declare, T, expr::map<T>() + expr::map<T>() + expr::map<T>())                        \
  DCS_EXPRESSION(declare, T, (expr::map<T>() + expr::map<T>() + expr::map<T>()) / 1)                  \
  DCS_EXPRESSION(declare, T, expr::map<T>() + expr::map<T>() + expr::map<T>() + expr::map<T>())       \
  DCS_EXPRESSION(declare, T, square(expr::map<T>() - expr::map<T>()))
DCS_ENTRIES(DCS_UNARY_EXPRESSIONS)
DCS_ENTRIES(DCS_BINARY_EXPRESSIONS)
DCS_ENTRIES(DCS_NETWORK_EXPRESSIONS)

}  // namespace dcs

#include <dcs/core/header_end.inl>
