// What an expression is and which kernels it becomes: explain(e) as text at run time, expect_kernel<E, Kernel>::checked at compile time.
//
//     std::cout << explain(relu(conv2d<1, 1>(x, w) * scale + shift));
//
//     relu [2, 6, 6, 4]  kernel: convolution_epilogue
//       add [2, 6, 6, 4]  by itself: convolution_epilogue
//         mul [2, 6, 6, 4]  by itself: convolution_epilogue
//           conv2d [2, 6, 6, 4]  by itself: convolution
//             tensor f32 [2, 6, 6, 4]
//             ...
//
// A node is followed by its kernel. A pointwise node within a pointwise node is computed "in the chain above". Below a fused pattern the table does
// not say which operands its kernel computes and which it reads, so nodes there show the kernel that they would select by themselves.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/expr/pointwise.hpp>

#include <ostream>
#include <string>
#include <string_view>

DCS_EXACT_MATH
namespace dcs {

/// What expect_kernel is; Reason is a type of dcs::reasons, whose name is the reason.
template <class Selected, class Expected, class Reason>
struct kernel_mismatch {
  static_assert(std::is_same_v<Selected, Expected>,
                "dcs::expect_kernel: kernel_mismatch<selected, expected, reason>: the expression selects another kernel, because the expected one's "
                "pattern has a condition that it does not meet");
  static constexpr bool checked = true;  // false would be a second error
};

/// An error that names the kernel selected and the reason, unless an expression selects this kernel:
/// `static_assert(expect_kernel<decltype(e), kernels::attention>::checked)`.
template <expression Expr, class Kernel>
using expect_kernel = kernel_mismatch<kernel_of<Expr>, Kernel, typename why_not<Kernel, std::remove_cvref_t<Expr>>::type>;

namespace detail {

template <class T>
constexpr std::string_view spelled_type() {
  return __PRETTY_FUNCTION__;
}
// The last word of a type's name, without its template arguments: "attention" of dcs::kernels::attention.
template <class T>
std::string_view short_name() {
  std::string_view s = spelled_type<T>();
  s.remove_prefix(s.find("T = ") + 4);
  s = s.substr(0, s.find_first_of("<;]"));
  const auto colon = s.rfind(':');
  return colon == s.npos ? s : s.substr(colon + 1);
}

// How an expression's node is evaluated, seen from the node above it.
enum class node_place { evaluated, in_chain, below_pattern };

// Whether the pattern of a node's type runs it.
template <class E>
bool runs_fused(const E& e) {
  if constexpr (always_fused<E>)
    return true;
  else if constexpr (has_fused<E>)
    return fused<E>::applies(e);
  else
    return false;
}

template <class E>
std::string kernel_text(const E& e) {
  const std::string own(short_name<typename E::kernel>());
  if constexpr (has_fused<E>) {
    const std::string pattern(short_name<typename fused<E>::kernel>());
    if (runs_fused(e)) return pattern;
    if constexpr (requires { fused<E>::why_not(e); })
      return own + ", not " + pattern + ": " + fused<E>::why_not(e);
    else
      return own + ", not " + pattern + ", whose pattern does not apply to these values";
  } else {
    return own;
  }
}

// relu of a pointwise<functions::relu, …>, conv2d of a conv2d_node<…>.
template <class F, class... A>
std::string node_name(const pointwise<F, A...>&) {
  return std::string(short_name<F>());
}
template <class E>
std::string node_name(const E&) {
  std::string_view s = short_name<E>();
  if (s.ends_with("_node")) s.remove_suffix(5);
  return std::string(s);
}

template <class X>
void explain_node(std::string& out, const X& x, std::size_t depth, node_place place);

template <class F, class... A, std::size_t... I>
void explain_arguments(std::string& out, const pointwise<F, A...>& e, std::size_t depth, bool fused, std::index_sequence<I...>) {
  (explain_node(out, e.template argument<static_cast<int>(I)>(), depth,
                fused              ? node_place::below_pattern
                : joins_chain_v<A> ? node_place::in_chain
                                   : node_place::evaluated),
   ...);
}
template <class F, class... A>
void explain_operands(std::string& out, const pointwise<F, A...>& e, std::size_t depth, bool fused) {
  explain_arguments(out, e, depth, fused, std::index_sequence_for<A...>{});
}
// Of another node, the operands that it gives access to.
template <class E>
void explain_operands(std::string& out, const E& e, std::size_t depth, bool fused) {
  const auto place = fused ? node_place::below_pattern : node_place::evaluated;
  if constexpr (requires { e.input(); }) explain_node(out, e.input(), depth, place);
  if constexpr (requires { e.weight(); }) explain_node(out, e.weight(), depth, place);
  if constexpr (requires { e.left(), e.right(); }) {
    explain_node(out, e.left(), depth, place);
    explain_node(out, e.right(), depth, place);
  }
}

template <class X>
void explain_node(std::string& out, const X& x, std::size_t depth, node_place place) {
  out.append(2 * depth, ' ');
  if constexpr (is_scalar_v<X>) {
    out += "number " + std::to_string(x.number) + '\n';
  } else {
    const std::string shape = to_string(extents_of<shape_t<X>>);
    if constexpr (handle<X>) {
      out += std::string(short_name<X>()) + ' ' + name(dtype_of<value_t<X>>) + ' ' + shape + '\n';
    } else {
      out += node_name(x) + ' ' + shape;
      bool evaluated = false;
      if constexpr (requires { x.evaluated(); }) evaluated = x.evaluated();
      const bool chained = place == node_place::in_chain;
      out += evaluated ? "  evaluated before" : chained ? "  in the chain above" : place == node_place::evaluated ? "  kernel: " : "  by itself: ";
      if (!evaluated && !chained) out += kernel_text(x);
      out += '\n';
      explain_operands(out, x, depth + 1, place == node_place::below_pattern || (!chained && runs_fused(x)));
    }
  }
}

}  // namespace detail

/// The expression as a tree, a line a node: its name, its shape and its kernel (see the head of this file). Nothing is evaluated.
template <operand X>
std::string explain(const X& x) {
  std::string out;
  detail::explain_node(out, x, 0, detail::node_place::evaluated);
  return out;
}
/// The same, written to a stream.
template <operand X>
std::ostream& explain(std::ostream& to, const X& x) {
  return to << explain(x);
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
