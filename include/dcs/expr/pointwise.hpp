// Pointwise expressions: x * scale + shift, relu(a + b), … build a type and do nothing; eval runs the whole chain as one kernel, and for vars records
// one step whose kernel is derived from the same type. Nodes own handles, never references, so `auto` is always safe.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/expr/chain.hpp>
#include <dcs/expr/eval.hpp>
#include <dcs/grad/var.hpp>

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

// A type-erased leaf: memory, record, sizes, and the extents of its type. Where there are no extents, as in an op whose sizes are known, an axis of
// size 1 repeats.
template <class T>
struct chain_leaf {
  untyped<T> value;
  int rank = 0;
  std::int64_t sizes[expr::max_rank] = {};
  std::int64_t count = 1;
  const extent_t* extents = nullptr;

  bool repeats(int axis) const { return (extents ? extents[axis] : sizes[axis]) == 1; }
};
template <class T>
[[gnu::noinline]] void set_leaf(chain_leaf<T>& l, const storage& memory, const slot_ptr& slot, const std::int64_t* sizes, const extent_t* extents,
                                int rank) {
  l.value.memory = memory, l.value.slot = slot, l.rank = rank, l.extents = extents;
  for (int i = 0; i < rank; ++i) l.count *= l.sizes[i] = sizes[i];
}
template <class T, class X>
void set_leaf(chain_leaf<T>& l, const X& x) {
  if constexpr (any_var_v<X>)
    set_leaf(l, x.value().memory(), x.record(), x.sizes().data(), extents_of<typename X::shape_type>.data(), X::rank);
  else
    set_leaf(l, x.memory(), {}, x.sizes().data(), extents_of<typename X::shape_type>.data(), X::rank);
}

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

[[noreturn, gnu::cold, gnu::noinline]] inline void refuse_broadcast(int axis, const extent_t* extent, extent_t size, extent_t other) {
  fail("dcs::broadcast: axis ", axis, extent ? " (" + to_string(*extent) + ")" : std::string(), " is ", size, " in one operand and ", other,
       " in another; equal names are equal sizes: only an extent that the type says is 1 repeats");
}
// Combines the sizes of a leaf into those of the result, which begin as −1; axes are aligned at the end. Static extents have been checked at compile
// time; named ones are checked here.
template <class T>
void broadcast_sizes(std::int64_t* out, int rank, const chain_leaf<T>& l) {
  for (int i = 0; i < l.rank; ++i) {
    if (l.repeats(i)) continue;
    std::int64_t& e = out[rank - l.rank + i];
    if (e == -1) e = l.sizes[i];
    if (e != l.sizes[i]) refuse_broadcast(rank - l.rank + i, l.extents ? l.extents + i : nullptr, l.sizes[i], e);
  }
}
// Strides of a leaf along the axes of the result, 0 where it repeats.
template <class T>
void leaf_strides(const chain_leaf<T>& l, int rank, std::int64_t* strides) {
  std::int64_t step = 1;
  for (int i = 0; i < rank; ++i) strides[i] = 0;
  for (int i = l.rank - 1; i >= 0; --i) {
    strides[rank - l.rank + i] = l.sizes[i] == 1 ? 0 : step;
    step *= l.sizes[i];
  }
}

template <class T, class D>
void deliver(const chain_leaf<T>& l, const std::int64_t* sizes, int rank, std::int64_t full_count, storage full) {
  if (!l.value.wanted()) return;
  if (full_count == l.count) return l.value.template add<D>(std::move(full));
  std::int64_t strides[expr::max_rank];
  leaf_strides(l, rank, strides);
  storage sum = storage::allocate<D>(l.count * static_cast<std::int64_t>(sizeof(T)));
  sum_to(D{}, static_cast<T*>(sum.data()), l.count, static_cast<const T*>(full.data()), sizes, rank, strides);
  full = {};
  l.value.template add<D>(std::move(sum));
}

// Runs the chain over evaluated leaves: one kernel forward, one backward, however often a value occurs in it. Depends on the expression's form and
// the element type, not on shapes.
template <class Form, class T, class D, int N>
[[gnu::noinline]] untyped<T> run_chain(const double* constants, std::array<chain_leaf<T>, static_cast<std::size_t>(N)>&& leaves, std::int64_t* sizes,
                                       int rank) {
  std::fill(sizes, sizes + rank, -1);
  for (const auto& l : leaves) broadcast_sizes(sizes, rank, l);
  std::replace(sizes, sizes + rank, std::int64_t{-1}, std::int64_t{1});
  expect_inner("dcs::eval", sizes, static_cast<std::size_t>(rank));
  constexpr auto element = static_cast<std::int64_t>(sizeof(T));
  const std::int64_t bytes = checked_product("dcs::eval", sizes, static_cast<std::size_t>(rank), element), total = bytes / element;

  expr::chain_arguments<T, N> a;
  std::int64_t strides[N > 0 ? N : 1][expr::max_rank] = {};
  for (std::size_t k = 0; k < leaves.size(); ++k) {
    a.in[k] = leaves[k].value.data();
    leaf_strides(leaves[k], rank, strides[k]);
  }
  std::copy(constants, constants + expr::max_constants, a.constants);
  a.lay_out(sizes, rank, strides);
  storage out = storage::allocate<D>(bytes);
  a.out = static_cast<T*>(out.data());
  if (total > 0) chain_forward<Form>(D{}, a);

  // The gradients of a value that occurs several times are added within the kernel.
  for (std::size_t k = 1; k < leaves.size(); ++k)
    for (std::size_t first = 0; first < k && a.repeats[k] == 0; ++first)
      if (leaves[k].value.wanted() && leaves[k].value.slot == leaves[first].value.slot && leaves[k].rank == leaves[first].rank &&
          std::equal(leaves[k].sizes, leaves[k].sizes + rank, leaves[first].sizes))
        a.repeats[k] = static_cast<std::int8_t>(first + 1), a.any_repeats = true;

  std::vector<slot_ptr> parents;
  std::array<std::int64_t, expr::max_rank> n{};
  std::copy(sizes, sizes + rank, n.begin());
  for (const auto& l : leaves) parents.push_back(l.value.slot);
  return record_untyped<T>(std::move(out), parents, [a, leaves = std::move(leaves), n, rank, bytes, total](storage dy) {
    std::array<storage, static_cast<std::size_t>(N)> full;
    T* dx[N > 0 ? N : 1];
    for (std::size_t k = 0; k < leaves.size(); ++k) {
      if (leaves[k].value.wanted() && a.repeats[k] == 0) full[k] = storage::allocate<D>(bytes);
      dx[k] = static_cast<T*>(full[k].data());
    }
    if (total > 0) chain_backward<Form>(D{}, a, static_cast<const T*>(dy.data()), dx);
    for (std::size_t k = 0; k < leaves.size(); ++k)
      if (a.repeats[k] == 0) deliver<T, D>(leaves[k], n.data(), rank, total, std::move(full[k]));
  });
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
    auto out = detail::run_chain<typename form::type, value_type, device_type, form::leaves>(numbers, std::move(leaves), n, shape_type::rank);
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
