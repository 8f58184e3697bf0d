// Pointwise expressions: x * scale + shift, relu(a + b), … build a type and do nothing; eval runs the whole chain as one kernel, and for vars records
// one step whose kernel is derived from the same type. Nodes own handles, never references, so `auto` is always safe.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/expr/eval.hpp>
#include <dcs/expr/run_chain.hpp>

DCS_EXACT_MATH
namespace dcs {

namespace kernels {
/// One pass over memory for a pointwise chain.
struct pointwise_chain {};
}  // namespace kernels

/// A number in an expression, of the element type of what it is combined with.
template <class T, class Device>
struct scalar {
  using value_type = T;
  using shape_type = shape<>;
  using device_type = Device;
  double number = 0;
};

namespace detail {
template <class X>
inline constexpr bool is_scalar_v = false;
template <class T, class D>
inline constexpr bool is_scalar_v<scalar<T, D>> = true;

template <class X>
constexpr auto eval_unless_scalar(const X& x) {
  if constexpr (is_scalar_v<X>)
    return x;
  else
    return eval(x);
}

template <class X>
inline constexpr bool is_pointwise_v = false;
// Whether X becomes part of the surrounding chain rather than a leaf of it.
template <class X>
inline constexpr bool joins_chain_v = is_pointwise_v<X> && !has_fused<X>;

// The form of an expression, with leaves and constants numbered from L and C.
template <class X, int L, int C>
struct form {
  using type = expr::leaf<L>;
  static constexpr int leaves = L + 1, constants = C;
};
template <class T, class D, int L, int C>
struct form<scalar<T, D>, L, C> {
  using type = expr::constant<C>;
  static constexpr int leaves = L, constants = C + 1;
};
template <class Done, int L, int C, class F, class... Rest>
struct form_list;
template <class... Done, int L, int C, class F>
struct form_list<std::tuple<Done...>, L, C, F> {
  using type = expr::call<F, Done...>;
  static constexpr int leaves = L, constants = C;
};
template <class... Done, int L, int C, class F, class A, class... Rest>
struct form_list<std::tuple<Done...>, L, C, F, A, Rest...>
    : form_list<std::tuple<Done..., typename form<A, L, C>::type>, form<A, L, C>::leaves, form<A, L, C>::constants, F, Rest...> {};

// Evaluates the leaves of an expression from left to right, and lists the leaves and the constants.
template <class X, class T>
void collect(const X& x, chain_leaf<T>*& leaves, double*& numbers) {
  if constexpr (is_scalar_v<X>)
    *numbers++ = x.number;
  else if constexpr (joins_chain_v<X>)
    x.collect(leaves, numbers);
  else if constexpr (handle<X>)
    set_leaf(*leaves++, x);
  else
    set_leaf(*leaves++, eval(x));
}

// The operands of a node. Not std::tuple: its constructors and tuple_cat were a third of the time of compiling a network.
template <std::size_t I, class A>
struct node_operand {
  A operand;
};
template <class Indices, class... A>
struct node_operands;
template <std::size_t... I, class... A>
struct node_operands<std::index_sequence<I...>, A...> : node_operand<I, A>... {
  constexpr explicit node_operands(A&&... a) : node_operand<I, A>{std::move(a)}... {}
};
template <std::size_t I, class A>
constexpr const A& operand_at(const node_operand<I, A>& o) {
  return o.operand;
}

}  // namespace detail

/// F applied element by element to operands that broadcast.
template <class F, class... A>
class pointwise : public detail::unevaluated<pointwise<F, A...>> {
  using first = std::tuple_element_t<0, std::tuple<A...>>;

 public:
  using shape_type = broadcast_shape<shape_t<A>...>;
  using value_type = value_t<first>;
  using device_type = device_t<first>;
  // lift_t<shape_type, A...>, whose check of devices stands below.
  using result_type = typename detail::lifted<any_probe_v<A...>, any_var_v<A...>, value_type, shape_type, device_type>::type;
  using kernel = kernels::pointwise_chain;
  static_assert(sizeof(detail::broadcast_check<shape_t<A>...>) > 0);
  static_assert((std::is_same_v<value_t<A>, value_type> && ...),
                "dcs: operands of a pointwise expression must have one element type; try: cast<T>(x)");
  static_assert((std::is_same_v<device_t<A>, device_type> && ...), "dcs: operands of an op must lie on one device; try: to<D>(x)");

  constexpr explicit pointwise(A&&... a) : operands_(std::move(a)...) {}

  template <int I>
  constexpr const auto& argument() const {
    return detail::operand_at<static_cast<std::size_t>(I)>(operands_);
  }

  constexpr result_type evaluate() const {
    if constexpr (any_probe_v<A...>) {
      return count(indices{});
    } else {
      return run();
    }
  }

  /// Sizes of the result before it is evaluated, if the first operand's sizes are known.
  constexpr auto output_sizes() const requires(std::is_same_v<shape_t<std::tuple_element_t<0, std::tuple<A...>>>, shape_type>) {
    const auto& first = argument<0>();
    if constexpr (handle<std::remove_cvref_t<decltype(first)>>)
      return first.sizes();
    else
      return first.output_sizes();
  }

  template <class T>
  void collect(detail::chain_leaf<T>*& leaves, double*& numbers) const {
    collect_all(leaves, numbers, indices{});
  }

 private:
  using indices = std::index_sequence_for<A...>;
  using form = detail::form_list<std::tuple<>, 0, 0, F, A...>;

  // Index sequences rather than std::apply: a lambda in a template would repeat the expression's type in every symbol.
  template <std::size_t... I>
  constexpr auto count(std::index_sequence<I...>) const {
    return probe_result<shape_type>(detail::eval_unless_scalar(detail::operand_at<I>(operands_))...);
  }
  template <class T, std::size_t... I>
  void collect_all(detail::chain_leaf<T>*& leaves, double*& numbers, std::index_sequence<I...>) const {
    (detail::collect(detail::operand_at<I>(operands_), leaves, numbers), ...);
  }
  result_type run() const {
    static_assert(form::constants <= expr::max_constants, "dcs::eval: a pointwise expression holds at most 4 numbers; evaluate a part of it first");
    static_assert(shape_type::rank <= expr::max_rank, "dcs::eval: a pointwise expression has at most 8 axes");
    std::array<detail::chain_leaf<value_type>, static_cast<std::size_t>(form::leaves)> leaves;
    double numbers[expr::max_constants] = {};
    auto* leaf = leaves.data();
    auto* number = numbers;
    collect(leaf, number);
    std::int64_t n[expr::max_rank];
    auto out = detail::run_chain<typename form::type, value_type, device_type, form::leaves, detail::may_record_v<result_type>>(
        numbers, std::move(leaves), n, shape_type::rank);
    sizes<shape_type::rank> typed{};
    if constexpr (shape_type::rank > 0) std::copy_n(n, shape_type::rank, typed.begin());
    return restore<result_type>(std::move(out), typed);
  }

  detail::node_operands<indices, A...> operands_;
};

namespace detail {
template <class F, class... A>
inline constexpr bool is_pointwise_v<pointwise<F, A...>> = true;
template <class F, class... A, int L, int C>
requires(!has_fused<pointwise<F, A...>>) struct form<pointwise<F, A...>, L, C> : form_list<std::tuple<>, L, C, F, A...> {
};
}  // namespace detail

/// F over operands, as a node; F is one of dcs::functions or a user's (see functions.hpp).
/// Runs: as pointwise chains
template <class F, operand... A>
constexpr auto apply(A... a) {
  return pointwise<F, A...>(std::move(a)...);
}

namespace detail {
template <class X>
constexpr auto number(double v) {
  return scalar<value_t<X>, device_t<X>>{v};
}
}  // namespace detail

template <class X>
concept number = std::is_arithmetic_v<X>;

// Operands come by value: temporaries, which most are, move into the node.
#define DCS_BINARY(op, function)                                                                                                        \
  template <operand A, operand B>                                                                                                       \
  constexpr auto op(A a, B b) {                                                                                                         \
    return pointwise<functions::function, A, B>(std::move(a), std::move(b));                                                            \
  }                                                                                                                                     \
  template <operand A, number B>                                                                                                        \
  constexpr auto op(A a, B b) {                                                                                                         \
    return pointwise<functions::function, A, scalar<value_t<A>, device_t<A>>>(std::move(a), detail::number<A>(static_cast<double>(b))); \
  }                                                                                                                                     \
  template <number A, operand B>                                                                                                        \
  constexpr auto op(A a, B b) {                                                                                                         \
    return pointwise<functions::function, scalar<value_t<B>, device_t<B>>, B>(detail::number<B>(static_cast<double>(a)), std::move(b)); \
  }
DCS_BINARY(operator+, add)
DCS_BINARY(operator-, sub)
DCS_BINARY(operator*, mul)
DCS_BINARY(operator/, div)
DCS_BINARY(maximum, maximum)
DCS_BINARY(minimum, minimum)
#undef DCS_BINARY

#define DCS_UNARY(op, function)                             \
  template <operand A>                                      \
  constexpr auto op(A a) {                                  \
    return pointwise<functions::function, A>(std::move(a)); \
  }
DCS_UNARY(operator-, neg)
DCS_UNARY(relu, relu)
DCS_UNARY(sigmoid, sigmoid)
DCS_UNARY(exp, exp)
DCS_UNARY(log, log)
DCS_UNARY(sqrt, sqrt)
DCS_UNARY(square, square)
DCS_UNARY(abs, abs)
DCS_UNARY(tanh, tanh)
#undef DCS_UNARY

}  // namespace dcs

#include <dcs/expr/common.hpp>

#include <dcs/core/header_end.inl>
