// Parameters, which a network learns, and buffers, which it only stores. A parameter's type carries its shape; its element type and memory are set
// when the network is initialised, loaded or converted, so that one network type serves f32 and f64, and a network without memory is a constant
// expression (its parameters and work are counted by the compiler).
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/expr/eval.hpp>
#include <dcs/nn/parameter_base.hpp>

DCS_EXACT_MATH
namespace dcs {

namespace detail {
template <class S, class Layout, class Init, bool Buffer>
inline constexpr parameter_description description_of{S::size(), Buffer, Layout::template of<S>(), &Init::value};
}  // namespace detail

/// A learned tensor of static shape S. `Layout` says how PyTorch stores it, `Init` how it begins.
template <class S, class Init = init::zeros, class Layout = layout::plain>
class parameter : public parameter_base {
 public:
  using shape_type = S;
  constexpr parameter() : parameter_base(&detail::description_of<S, Layout, Init, false>) {}

  /// The parameter as an operand beside x: a tensor, a leaf of the tape where x is a var, a probe where x is one.
  template <operand X>
  constexpr auto as(const X& x) const {
    using T = value_t<X>;
    using D = device_t<X>;
    if constexpr (any_probe_v<X>) {
      return probe_result<S>(eval(x));
    } else {
      auto t = tensor_of<S, X>::adopt(held<T, D>(), S::extents);
      if constexpr (any_var_v<X>)
        return trained() ? var<T, S, D>(std::move(t), slot()) : var<T, S, D>(std::move(t));
      else
        return t;
    }
  }
};

/// A tensor that belongs to a module but is not learned, such as running statistics.
template <class S, class Init = init::zeros>
class buffer : public parameter_base {
 public:
  using shape_type = S;
  constexpr buffer() : parameter_base(&detail::description_of<S, layout::plain, Init, true>) {}

  /// The buffer's tensor, of the element type and device of x.
  template <operand X>
  constexpr auto as(const X& x) const {
    if constexpr (any_probe_v<X>) {
      return probe_result<S>(eval(x));
    } else {
      return tensor_of<S, X>::adopt(held<value_t<X>, device_t<X>>(), S::extents);
    }
  }
  /// The same in the type of x's arithmetic, as statistics are never of 16 bits.
  template <operand X>
  constexpr auto wide(const X& x) const {
    using T = compute_type<value_t<X>>;
    if constexpr (any_probe_v<X>)
      return probe_result<S>(eval(x));
    else
      return tensor_of<S, X, T>::adopt(held<T, device_t<X>>(), S::extents);
  }
};

// The operators of a parameter, which say how it becomes an operand.
template <class X>
concept bare_parameter = std::is_base_of_v<parameter_base, X>;
#define DCS_REFUSE_PARAMETERS(op)                                                                                              \
  template <class A, class B>                                                                                                  \
  requires((bare_parameter<A> && operand<B>) || (operand<A> && bare_parameter<B>)) constexpr auto op(const A& a, const B& b) { \
    verify(check_of<detail::checked_operand<std::conditional_t<bare_parameter<A>, A, B>>>);                                    \
    return detail::refuse(a, b);                                                                                               \
  }
DCS_REFUSE_PARAMETERS(operator+)
DCS_REFUSE_PARAMETERS(operator-)
DCS_REFUSE_PARAMETERS(operator*)
DCS_REFUSE_PARAMETERS(operator/)
DCS_REFUSE_PARAMETERS(maximum)
DCS_REFUSE_PARAMETERS(minimum)
#undef DCS_REFUSE_PARAMETERS

}  // namespace dcs

#include <dcs/core/header_end.inl>
