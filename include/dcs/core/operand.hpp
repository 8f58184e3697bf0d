// What an op accepts: a tensor (inference), a var (training), a probe (counting, no values), or a lazy node of either. Ops are written once over
// operands; these traits are what an op needs to know of one.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/tensor.hpp>

#include <tuple>

DCS_EXACT_MATH
namespace dcs {

template <class T, class Shape, class Device = cpu_device>
class var;

/// Work of a network. `multiply_adds`: those of convolutions and matrix products. `thop`: what the tool thop reports as "FLOPs" and papers
/// quote: convolution and linear layers without bias, 4 per element of a trained norm, k + 1 per output of a global pool over k elements;
/// nothing for attention with its projections, frozen norms, activations and resizing.
struct work {
  extent_t multiply_adds = 0, thop = 0;
  constexpr work& operator+=(work o) {
    multiply_adds += o.multiply_adds, thop += o.thop;
    return *this;
  }
  friend constexpr work operator+(work a, work b) { return a += b; }
  friend constexpr bool operator==(work, work) = default;
};

/// A value without memory: applying a network to probes adds up its work, at compile time or at run time.
template <class T, class Shape, class Device = cpu_device>
struct probe {
  using self = probe;
  using value_type = T;
  using shape_type = Shape;
  using device_type = Device;
  static constexpr int rank = Shape::rank;
  static_assert(Shape::is_static, "dcs::probe: work is counted for static shapes: give every extent a number");

  work* total = nullptr;
  static constexpr dcs::sizes<rank> sizes() { return Shape::extents; }
};

namespace detail {
template <class X>
struct operand_kind {
  static constexpr bool is_tensor = false, is_var = false, is_probe = false;
};
template <class T, class S, class D>
struct operand_kind<tensor<T, S, D>> {
  static constexpr bool is_tensor = true, is_var = false, is_probe = false;
};
template <class T, class S, class D>
struct operand_kind<var<T, S, D>> {
  static constexpr bool is_tensor = false, is_var = true, is_probe = false;
};
template <class T, class S, class D>
struct operand_kind<probe<T, S, D>> {
  static constexpr bool is_tensor = false, is_var = false, is_probe = true;
};
}  // namespace detail

template <class X>
inline constexpr bool is_tensor_v = detail::operand_kind<std::remove_cvref_t<X>>::is_tensor;

/// Base of every unevaluated expression. A node states value_type, shape_type, device_type and result_type (what eval gives).
struct expression_base {};

namespace detail {
// What a tensor has and an unevaluated expression has not, so that using it is one sentence and no guess at another name. Node states result_type.
template <class Node>
struct unevaluated : expression_base {
  template <class N = Node, class R = typename N::result_type>
  auto data() const -> decltype(std::declval<R>().data()) {
    static_assert(!std::is_same_v<R, R>, "dcs: an expression has no memory until it is evaluated; try: eval(y).data()");
    return nullptr;
  }
  template <class N = Node, class R = typename N::result_type>
  typename R::value_type item() const {
    static_assert(!std::is_same_v<R, R>, "dcs: an expression has no value until it is evaluated; try: eval(y).item()");
    return {};
  }
  template <class N = Node, class R = typename N::result_type>
  auto values() const -> decltype(std::declval<R>().values()) {
    static_assert(!std::is_same_v<R, R>, "dcs: an expression has no memory until it is evaluated; try: eval(y).values()");
    return {};
  }
  template <class N = Node, class... I>
  typename N::value_type operator()(I...) const {
    static_assert(!std::is_same_v<N, N>, "dcs: an expression has no elements until it is evaluated; try: eval(y)(i, j)");
    return {};
  }
  // Where a function takes a tensor or a var.
  template <class R>
  requires(operand_kind<R>::is_tensor || operand_kind<R>::is_var) operator R() const {
    static_assert(!std::is_same_v<R, typename Node::result_type>, "dcs: an expression where a tensor is needed; try: eval(y)");
    static_assert(std::is_same_v<R, typename Node::result_type>,
                  "dcs: an expression where a tensor is needed, and its value has another shape, element type or device, or is a var for a tensor");
    return {};
  }
};
}  // namespace detail

template <class X>
concept expression = std::is_base_of_v<expression_base, std::remove_cvref_t<X>>;
/// A value: tensor, var or probe.
template <class X>
concept handle = detail::operand_kind<std::remove_cvref_t<X>>::is_tensor || detail::operand_kind<std::remove_cvref_t<X>>::is_var ||
    detail::operand_kind<std::remove_cvref_t<X>>::is_probe;
template <class X>
concept operand = handle<X> || expression<X>;

class parameter_base;

namespace detail {
// What is no operand, by the reason. Ops have an overload for other arguments than operands that instantiates this, as a compiler would list every
// overload with the reasons that it does not match.
template <class X>
struct checked_operand {
  static constexpr bool parameter = std::is_base_of_v<parameter_base, X>;
  static_assert(operand<X> || !parameter, "dcs: a parameter in an expression has no element type and device yet; try: parameter.as(x)");
  static_assert(operand<X> || parameter, "dcs: an op takes tensors, vars and expressions of them; this argument is none");
};
// The result of an op after that error, so that no other error follows: its first operand.
template <class First, class... X>
constexpr auto refuse(const First& first, const X&... x) {
  if constexpr (operand<First> || sizeof...(X) == 0)
    return first;
  else
    return refuse(x...);
}
}  // namespace detail

// The overload of an op for arguments of which one is no operand.
#define DCS_REFUSE_OTHERS(op)                                                                                  \
  template <auto... Numbers, class... X>                                                                       \
  requires(sizeof...(X) > 1 && !(operand<X> && ...) && (operand<X> || ...)) constexpr auto op(const X&... x) { \
    (verify(check_of<detail::checked_operand<X>>), ...);                                                       \
    return detail::refuse(x...);                                                                               \
  }

namespace detail {
template <class X>
struct result_of {
  using type = X;
};
template <expression X>
struct result_of<X> {
  using type = typename X::result_type;
};
}  // namespace detail

/// What eval makes of an operand: tensor, var or probe.
template <class X>
using result_t = typename detail::result_of<std::remove_cvref_t<X>>::type;
template <class X>
using shape_t = typename result_t<X>::shape_type;
template <class X>
using value_t = typename result_t<X>::value_type;
template <class X>
using device_t = typename result_t<X>::device_type;

/// Whether (the result of) X records for the backward pass / only counts.
template <class... X>
inline constexpr bool any_var_v = (detail::operand_kind<result_t<X>>::is_var || ...);
template <class... X>
inline constexpr bool any_probe_v = (detail::operand_kind<result_t<X>>::is_probe || ...);

// nvcc's front end keeps, for each class template specialisation, how its arguments were written where it was first named, and walks that text as a
// tree. A type that is written by aliases over the type of the previous map (value_t<X>, device_t<X>) doubles the tree with every layer, and
// compiling a network never ends. So every type is obtained as a member alias `self` of a shape, a device, a handle or an element's dtype_traits,
// which cuts the tree. lift_t and tensor_of do that: an op makes a tensor of a new shape by tensor_of, and functions that return a handle return its
// `self`.
namespace detail {
template <bool Probe, bool Var, class T, class S, class D>
struct lifted {
  using type = tensor<typename dtype_traits<T>::self, typename S::self, typename D::self>;
};
template <class T, class S, class D>
struct lifted<false, true, T, S, D> {
  using type = var<typename dtype_traits<T>::self, typename S::self, typename D::self>;
};
template <bool Var, class T, class S, class D>
struct lifted<true, Var, T, S, D> {
  using type = probe<typename dtype_traits<T>::self, typename S::self, typename D::self>;
};
// The device of an op's operands, which must all lie on the same one.
template <class First, class... More>
struct one_device {
  static_assert((std::is_same_v<First, More> && ...), "dcs: operands of an op must lie on one device; try: to<D>(x)");
  using type = First;
};
}  // namespace detail

/// Result of an op of shape S over operands X...: probe if any is a probe, else var if any is a var, else tensor. The operands lie on one device.
template <class S, class... X>
using lift_t = typename detail::lifted<any_probe_v<X...>, any_var_v<X...>, value_t<std::tuple_element_t<0, std::tuple<X...>>>, S,
                                       typename detail::one_device<device_t<X>...>::type>::type;

/// The tensor of shape S with elements and device of an operand.
template <class S, class X, class T = value_t<X>>
using tensor_of = typename detail::lifted<false, false, T, S, device_t<X>>::type;

namespace detail {

template <class X>
constexpr work* counter_of(const X& x) {
  if constexpr (operand_kind<X>::is_probe)
    return x.total;
  else
    return nullptr;
}

// Receives the work of every op that runs; see nn/summary.hpp.
struct work_listener {
  virtual void note(const void* weights, const extent_t* sizes, int rank, work w) = 0;

 protected:
  ~work_listener() = default;
};
inline thread_local work_listener* listener = nullptr;

}  // namespace detail

/// An op's report of its work. For probes it is added to their counter; otherwise it goes to this thread's listener, if there is one (a summary being
/// made).
template <class S, class... X>
constexpr void note_work(const void* weights, const dcs::sizes<S::rank>& output, work w, const X&... x) {
  if constexpr (any_probe_v<X...>) {
    work* total = nullptr;
    ((total = total ? total : detail::counter_of(x)), ...);
    if (total) *total += w;
  } else {
    if (detail::listener) [[unlikely]]
      detail::listener->note(weights, output.data(), S::rank, w);
  }
}

/// The probe that an op over probes returns.
template <class S, class... X>
constexpr auto probe_result(const X&... x) {
  typename lift_t<S, X...>::self r;
  ((r.total = r.total ? r.total : detail::counter_of(x)), ...);
  return r;
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
