// Pointwise expressions: x * scale + shift, relu(a + b), … build a type and do nothing; eval runs the whole chain as one kernel, and for vars records
// one step whose kernel is derived from the same type. Nodes own handles, never references, so `auto` is always safe.
#pragma once

#include <dcs/expr/chain.hpp>
#include <dcs/expr/eval.hpp>
#include <dcs/grad/var.hpp>

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
// Part of the surrounding chain, rather than a leaf of it.
template <class X>
inline constexpr bool joins_chain_v = is_pointwise_v<X> && !has_fused<X>;

template <class X>
constexpr auto leaves(const X& x) {
  if constexpr (is_scalar_v<X>)
    return std::tuple<>();
  else if constexpr (joins_chain_v<X>)
    return x.leaves();
  else
    return std::tuple<result_t<X>>(eval(x));
}
template <class X>
constexpr void constants(const X& x, double*& to) {
  if constexpr (is_scalar_v<X>)
    *to++ = x.number;
  else if constexpr (joins_chain_v<X>)
    x.constants(to);
}

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

template <class S, class Leaf>
constexpr void broadcast_sizes(sizes<S::rank>& s, const Leaf& x) {
  const auto& n = x.sizes();
  for (std::size_t i = 0; i < n.size(); ++i) {
    auto& e = s[s.size() - n.size() + i];
    if (n[i] != 1 && e != 1 && e != n[i]) fail("dcs::broadcast: sizes ", to_string(n), " do not fit ", to_string(s), " at axis ", i);
    if (e == 1) e = n[i];
  }
}

template <class T, int N, int R, class X>
void set_leaf(expr::chain_arguments<T, N>& a, std::int64_t (&strides)[N > 0 ? N : 1][expr::max_rank], std::size_t k, const sizes<R>& out,
              const X& x) {
  a.in[k] = x.data();
  const auto dense = dense_strides(x.sizes());
  const std::size_t skip = out.size() - dense.size();
  for (std::size_t i = 0; i < dense.size(); ++i) strides[k][skip + i] = x.sizes()[i] == 1 ? 0 : dense[i];
}

template <class T, class S, class D, class L>
void deliver(const sink<T, L, D>& to, const sizes<L::rank>& leaf_sizes, tensor<T, S, D>&& full) {
  if (!to.wanted()) return;
  if (full.size() == count(leaf_sizes)) {
    storage memory = full.memory();
    full = {};
    to.add(tensor<T, L, D>::adopt(std::move(memory), leaf_sizes));
    return;
  }
  std::int64_t strides[expr::max_rank] = {};
  const auto dense = dense_strides(leaf_sizes);
  for (std::size_t i = 0; i < dense.size(); ++i) strides[static_cast<std::size_t>(S::rank) - dense.size() + i] = leaf_sizes[i] == 1 ? 0 : dense[i];
  auto sum = tensor<T, L, D>::empty(leaf_sizes);
  expr::sum_to(D{}, sum.data(), sum.size(), full.data(), full.sizes().data(), S::rank, strides);
  to.add(std::move(sum));
}

template <class Form, class T, int N, class S, class D, class Keep, class To, std::size_t... I>
void spread_chain(const expr::chain_arguments<T, N>& a, const tensor<T, S, D>& dy, const Keep& keep, const To& to, std::index_sequence<I...>) {
  tensor<T, S, D> full[N];
  T* dx[N];
  ((full[I] = std::get<I>(to).wanted() ? tensor<T, S, D>::empty(dy.sizes()) : tensor<T, S, D>(), dx[I] = full[I].data()), ...);
  if (dy.size() > 0) expr::run_backward<Form>(D{}, a, dy.data(), dx);
  (deliver(std::get<I>(to), std::get<I>(keep).sizes(), std::move(full[I])), ...);
}

// The chain over evaluated leaves.
template <class Form, class S, class T, class D, class... Leaf>
auto run_chain(const double* constants, const Leaf&... leaf) {
  constexpr int n = sizeof...(Leaf);
  static_assert(S::rank <= expr::max_rank, "dcs::eval: a pointwise expression has at most 8 axes");
  sizes<S::rank> out_sizes;
  out_sizes.fill(1);
  (broadcast_sizes<S>(out_sizes, leaf), ...);

  expr::chain_arguments<T, n> a;
  std::int64_t strides[n > 0 ? n : 1][expr::max_rank] = {};
  std::size_t k = 0;
  (set_leaf<T, n, S::rank>(a, strides, k++, out_sizes, value(leaf)), ...);
  std::copy(constants, constants + expr::max_constants, a.constants);
  a.lay_out(out_sizes.data(), S::rank, strides);

  auto out = tensor<T, S, D>::empty(out_sizes);
  a.out = out.data();
  if (out.size() > 0) expr::run_forward<Form>(D{}, a);

  return record(
      std::move(out),
      [a, keep = std::tuple(value(leaf)...), to = std::tuple(sink_of(leaf)...)](const tensor<T, S, D>& dy) {
        spread_chain<Form>(a, dy, keep, to, std::index_sequence_for<Leaf...>{});
      },
      leaf...);
}

}  // namespace detail

/// F applied element by element to operands that broadcast.
template <class F, class... A>
class pointwise : public expression_base {
 public:
  using shape_type = broadcast_shape<shape_t<A>...>;
  using result_type = lift_t<shape_type, A...>;
  using value_type = typename result_type::value_type;
  using device_type = typename result_type::device_type;
  using kernel = kernels::pointwise_chain;
  static_assert((std::is_same_v<value_t<A>, value_type> && ...),
                "dcs: operands of a pointwise expression must have one element type; cast<T>(x) converts");

  constexpr explicit pointwise(A... a) : arguments_(std::move(a)...) {}

  template <int I>
  constexpr const auto& argument() const {
    return std::get<I>(arguments_);
  }

  constexpr result_type evaluate() const {
    if constexpr (any_probe_v<A...>) {
      return count(indices{});
    } else {
      static_assert(form::constants <= expr::max_constants, "dcs::eval: a pointwise expression holds at most 4 numbers; evaluate a part of it first");
      double numbers[expr::max_constants] = {};
      double* to = numbers;
      constants(to);
      return run(leaves(), numbers, std::make_index_sequence<static_cast<std::size_t>(form::leaves)>{});
    }
  }

  constexpr auto leaves() const { return collect(indices{}); }
  constexpr void constants(double*& to) const { collect_constants(to, indices{}); }

 private:
  using indices = std::index_sequence_for<A...>;
  using form = detail::form_list<std::tuple<>, 0, 0, F, A...>;

  // Index sequences rather than std::apply: a lambda in a template would repeat the expression's type in every symbol.
  template <std::size_t... I>
  constexpr auto count(std::index_sequence<I...>) const {
    return probe_result<shape_type>(detail::eval_unless_scalar(std::get<I>(arguments_))...);
  }
  template <std::size_t... I>
  constexpr auto collect(std::index_sequence<I...>) const {
    return std::tuple_cat(detail::leaves(std::get<I>(arguments_))...);
  }
  template <std::size_t... I>
  constexpr void collect_constants(double*& to, std::index_sequence<I...>) const {
    (detail::constants(std::get<I>(arguments_), to), ...);
  }
  template <class Leaves, std::size_t... I>
  static result_type run(const Leaves& leaves, const double* numbers, std::index_sequence<I...>) {
    return detail::run_chain<typename form::type, shape_type, value_type, device_type>(numbers, std::get<I>(leaves)...);
  }

  std::tuple<A...> arguments_;
};

namespace detail {
template <class F, class... A>
inline constexpr bool is_pointwise_v<pointwise<F, A...>> = true;
template <class F, class... A, int L, int C>
requires(!has_fused<pointwise<F, A...>>) struct form<pointwise<F, A...>, L, C> : form_list<std::tuple<>, L, C, F, A...> {
};
}  // namespace detail

/// F over operands, as a node; F is one of dcs::functions or a user's (see functions.hpp).
template <class F, operand... A>
constexpr auto apply(const A&... a) {
  return pointwise<F, A...>(a...);
}

namespace detail {
template <class X>
constexpr auto number(double v) {
  return scalar<value_t<X>, device_t<X>>{v};
}
}  // namespace detail

template <class X>
concept number = std::is_arithmetic_v<X>;

#define DCS_BINARY(op, function)                                                                                             \
  template <operand A, operand B>                                                                                            \
  constexpr auto op(const A& a, const B& b) {                                                                                \
    return pointwise<functions::function, A, B>(a, b);                                                                       \
  }                                                                                                                          \
  template <operand A, number B>                                                                                             \
  constexpr auto op(const A& a, B b) {                                                                                       \
    return pointwise<functions::function, A, scalar<value_t<A>, device_t<A>>>(a, detail::number<A>(static_cast<double>(b))); \
  }                                                                                                                          \
  template <number A, operand B>                                                                                             \
  constexpr auto op(A a, const B& b) {                                                                                       \
    return pointwise<functions::function, scalar<value_t<B>, device_t<B>>, B>(detail::number<B>(static_cast<double>(a)), b); \
  }
DCS_BINARY(operator+, add)
DCS_BINARY(operator-, sub)
DCS_BINARY(operator*, mul)
DCS_BINARY(operator/, div)
DCS_BINARY(maximum, maximum)
DCS_BINARY(minimum, minimum)
#undef DCS_BINARY

#define DCS_UNARY(op, function)                  \
  template <operand A>                           \
  constexpr auto op(const A& a) {                \
    return pointwise<functions::function, A>(a); \
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
