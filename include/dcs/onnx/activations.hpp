// The functions of expr/activations.hpp as nodes of opset 17: those that ONNX has under a node of their own, and those that are written by others.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/expr/activations.hpp>
#include <dcs/onnx/pointwise.hpp>

#include <numbers>

DCS_EXACT_MATH
namespace dcs::onnx {

namespace detail {

// Nodes of one operand, of two, and of one and a number.
struct written {
  graph& g;
  id operator()(const char* op, id a) const { return unary(g, op, a); }
  id operator()(const char* op, id a, id b) const { return binary(g, op, a, b); }
  id operator()(const char* op, id a, double b) const { return binary(g, op, a, g.number(b)); }
};
// x / 2 · (1 + t).
inline id half_times(const written& w, id x, id t) { return w("Mul", w("Mul", x, 0.5), w("Add", t, 1)); }

}  // namespace detail

/// @cond specialisations, whose macros Doxygen does not follow

#define DCS_ONNX_FUNCTION(F, N, ...)                                          \
  template <>                                                                 \
  struct function<functions::F> {                                             \
    static id write(graph& g, const std::array<id, N>& a, const dims&, int) { \
      const detail::written w{g};                                             \
      return __VA_ARGS__;                                                     \
    }                                                                         \
  };
DCS_ONNX_FUNCTION(erf, 1, w("Erf", a[0]))
DCS_ONNX_FUNCTION(gelu, 1, detail::half_times(w, a[0], w("Erf", w("Div", a[0], std::numbers::sqrt2))))
DCS_ONNX_FUNCTION(gelu_tanh, 1,
                  detail::half_times(w, a[0],
                                     w("Tanh", w("Mul", w("Mul", a[0], std::sqrt(2 / std::numbers::pi)),
                                                 w("Add", w("Mul", w("Mul", a[0], a[0]), 0.044715), 1)))))
DCS_ONNX_FUNCTION(silu, 1, w("Mul", a[0], w("Sigmoid", a[0])))
DCS_ONNX_FUNCTION(hard_sigmoid, 1, w("Div", w("Min", w("Max", w("Add", a[0], 3), 0), 6), 6))
DCS_ONNX_FUNCTION(hard_swish, 1, w("HardSwish", a[0]))
DCS_ONNX_FUNCTION(softplus, 1, w("Softplus", a[0]))
DCS_ONNX_FUNCTION(mish, 1, w("Mul", a[0], w("Tanh", w("Softplus", a[0]))))
DCS_ONNX_FUNCTION(prelu, 2, w("Add", w("Max", a[0], 0), w("Mul", w("Min", a[0], 0), a[1])))
DCS_ONNX_FUNCTION(elu, 2, w("Add", w("Max", a[0], 0), w("Mul", w("Sub", w("Exp", w("Min", a[0], 0)), 1), a[1])))
DCS_ONNX_FUNCTION(clip, 3, w("Min", w("Max", a[0], a[1]), a[2]))
DCS_ONNX_FUNCTION(pow, 2, w("Pow", a[0], a[1]))
#undef DCS_ONNX_FUNCTION

template <>
struct function<functions::select> {
  static id write(graph& g, const std::array<id, 3>& a, const dims&, int) {
    return detail::chosen(g, detail::converted(g, a[0], element::boolean), a[1], a[2]);
  }
};

#define DCS_ONNX_COMPARISON(F, ...)                                                                                                     \
  template <>                                                                                                                           \
  struct function<functions::F> {                                                                                                       \
    static id write(graph& g, const std::array<id, 2>& a, const dims&, int) { return detail::converted(g, __VA_ARGS__, element::f32); } \
  };
DCS_ONNX_COMPARISON(greater, detail::truth(g, "Greater", a[0], a[1]))
DCS_ONNX_COMPARISON(greater_equal, detail::truth(g, "GreaterOrEqual", a[0], a[1]))
DCS_ONNX_COMPARISON(less, detail::truth(g, "Less", a[0], a[1]))
DCS_ONNX_COMPARISON(less_equal, detail::truth(g, "LessOrEqual", a[0], a[1]))
DCS_ONNX_COMPARISON(equal, detail::truth(g, "Equal", a[0], a[1]))
DCS_ONNX_COMPARISON(not_equal, detail::unary(g, "Not", detail::truth(g, "Equal", a[0], a[1])))
#undef DCS_ONNX_COMPARISON

/// @endcond

}  // namespace dcs::onnx

#include <dcs/core/header_end.inl>
