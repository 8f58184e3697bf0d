// eval turns an operand into a value: a handle is itself; an expression runs the fused kernel that the pattern table has for its type, else its own.
//
// The pattern table is `fused<Expr>`: a partial specialisation maps the type of an equation to a kernel,
//
//     template <class X, class W, class B, ...>
//     struct fused<pointwise<functions::relu, conv2d_node<...>>> {
//       using kernel = kernels::convolution_relu;                 // a name, which kernel_of returns
//       static bool applies(const Expr& e);                       // what types do not show: identity of nodes, indices, recording
//       static auto run(const Expr& e) -> typename Expr::result_type;
//     };
//
// and a user adds one in a file of their own. Where `applies` is false, the expression is evaluated unfused. A pattern that can always run has
// `static constexpr bool always = true` instead of `applies`. A pattern is recognised at the top of an expression and wherever it stands inside a
// pointwise chain. `explain` and `expect_kernel` (explain.hpp) show what was selected and why; a pattern may tell them more by
// `static const char* why_not(const Expr&)` beside `applies`, and by a specialisation of why_not<Kernel, Expr>.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/grad/var.hpp>

DCS_EXACT_MATH
namespace dcs {

/// The pattern table. Specialise it for the type of an expression; see the head of this file.
template <class Expr>
struct fused {};

template <class Expr>
concept has_fused = requires {
  typename fused<Expr>::kernel;
};

namespace detail {
template <class Expr>
struct kernel_of_expression {
  using type = typename Expr::kernel;
};
template <has_fused Expr>
struct kernel_of_expression<Expr> {
  using type = typename fused<Expr>::kernel;
};
}  // namespace detail

/// The kernel that evaluating an expression selects: `static_assert(std::is_same_v<kernel_of<decltype(e)>, kernels::attention>)`.
template <expression Expr>
using kernel_of = typename detail::kernel_of_expression<std::remove_cvref_t<Expr>>::type;

namespace reasons {
/// No pattern that is known for the kernel has the form of the expression.
struct another_form_than_the_kernels_pattern {};
}  // namespace reasons

/// Why an expression does not select a kernel: a type whose name says it, for expect_kernel. Specialised beside the pattern of a kernel.
template <class Kernel, class Expr>
struct why_not {
  using type = reasons::another_form_than_the_kernels_pattern;
};

namespace detail {
// Where `fused<Expr>::always` is true, run() serves every expression of its type, and the unfused evaluation is never compiled.
template <class Expr>
concept always_fused = has_fused<Expr> && requires {
  requires fused<Expr>::always;
};
}  // namespace detail

/// The value of an operand: tensor, var or probe. What is used twice is evaluated first, `const auto y = eval(relu(x * a))`: a pointwise chain, and
/// an expression that a pattern serves, is computed (and for vars recorded) each time that it is evaluated. They keep no value, on purpose: every
/// name of an intermediate expression would hold a map to the end of its scope (three named maps, each used by the next op alone: 28 MiB at the peak
/// instead of 16), and a larger chain could not use the value, as its type says to compute it. A node of lazy<Result> keeps its value.
template <operand X>
constexpr auto eval(const X& x) -> typename result_t<X>::self {
  if constexpr (handle<X>) {
    return x;
  } else if constexpr (detail::always_fused<X>) {
    return fused<X>::run(x);
  } else if constexpr (has_fused<X>) {
    return fused<X>::applies(x) ? result_t<X>(fused<X>::run(x)) : result_t<X>(x.evaluate());
  } else {
    return x.evaluate();
  }
}

/// Backpropagates through the value of a scalar expression, as backward(a + b).
template <expression X>
void backward(const X& x) {
  static_assert(any_var_v<X>, "dcs::backward: takes a var, and no operand of this expression is one; try: var<T, S>::leaf(x) for what to learn");
  if constexpr (any_var_v<X>) backward(eval(x));
}
template <class T, class S, class D>
void backward(const tensor<T, S, D>&) {
  static_assert(S::rank < 0, "dcs::backward: takes a var, and a tensor records nothing; try: var<T, S>::leaf(x) for what to learn");
}

namespace detail {
// The type-erased value of an evaluated node.
template <class T>
struct lazy_memo : counted {
  static constexpr int max_rank = 8;
  bool done = false, ran = false;
  untyped<T> value;
  std::array<extent_t, max_rank> sizes{};
};
}  // namespace detail

/// Base of an expression whose own kernel is costly: it is evaluated once however often it is used, as copies of a node share its value, which lives
/// as long as one of them. A fused kernel around it does not make that value, and runs each time that the whole expression is evaluated.
template <class Result>
class lazy : public detail::unevaluated<lazy<Result>> {
 public:
  using result_type = Result;
  using value_type = typename Result::value_type;
  using shape_type = typename Result::shape_type;
  using device_type = typename Result::device_type;

  lazy() : memo_(new detail::lazy_memo<value_type>) {}
  /// Equal for copies of one node, different for any two others.
  const void* identity() const { return memo_.get(); }
  /// Whether the node has been evaluated; a fused kernel would compute it a second time.
  bool evaluated() const { return memo_->done; }
  /// The value that it was evaluated to.
  const untyped<value_type>& evaluated_to() const { return memo_->value; }

 protected:
  // True at the first call for a node and its copies, for what is to happen once, by whichever kernel it is evaluated.
  bool first_run() const { return !std::exchange(memo_->ran, true); }
  template <class Make>
  Result once(Make&& make) const {
    if (!memo_->done) {
      const Result r = make();
      memo_->value = erase(r);
      std::copy(r.sizes().begin(), r.sizes().end(), memo_->sizes.begin());
      memo_->done = true;
      return r;
    }
    sizes<Result::rank> n;
    std::copy_n(memo_->sizes.begin(), n.size(), n.begin());
    return restore<Result>(untyped<value_type>(memo_->value), n);
  }

 private:
  static_assert(shape_type::rank <= detail::lazy_memo<value_type>::max_rank, "dcs::lazy: a node has at most 8 axes");
  counted_ptr<detail::lazy_memo<value_type>> memo_;
};

}  // namespace dcs

#include <dcs/core/header_end.inl>
