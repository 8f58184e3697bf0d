// Convolution with its epilogue: the patterns relu((conv · scale + shift) + residual), any part of which may be missing, for tensors and vars. The
// backward pass masks the gradient by the sign of the result (ReLU), adds it to residual and shift as it is, and multiplies the weights by the scale.
// The gradient of a recorded scale needs the convolution's result before the epilogue, so such an expression is evaluated unfused, as is one whose
// convolution has been evaluated before. The functions take untyped operands, without shapes, so that a program contains them once per element type.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/ops/conv2d/conv2d.hpp>

DCS_EXACT_MATH
namespace dcs {

namespace detail {

// A shape-erased convolution with its epilogue; operands that are missing have no memory.
template <class T>
struct convolution_call {
  cpu::conv2d_geometry g{};
  untyped<T> x, w, scale, shift, residual;
  bool relu = false;
  untyped<T> own;  // the result of the convolution alone, where it has been evaluated before

  convolution_call() = default;
  convolution_call(const convolution_call&) = default;
  convolution_call(convolution_call&&) = default;
  convolution_call& operator=(const convolution_call&) = delete;
  [[gnu::noinline]] ~convolution_call() {}  // out of line: every convolution of a network ends in it

  sizes<4> output_sizes() const { return {g.batch, g.out_h, g.out_w, g.out_c}; }
};

// Checks that an operand of the epilogue has the sizes of the convolution's result, or of its last axis.
template <class Result, class X>
void expect_beside(const X& x, const cpu::conv2d_geometry& g) {
  if constexpr (!shape_t<X>::is_static) {
    const sizes<4> n{g.batch, g.out_h, g.out_w, g.out_c};
    constexpr std::size_t from = 4 - static_cast<std::size_t>(shape_t<X>::rank);
    expect_names("dcs::conv2d", {sized_extents{extents_of<Result>.data() + from, n.data() + from, 4 - from},
                                 sized_extents{extents_of<shape_t<X>>.data(), x.sizes().data(), x.sizes().size()}});
  }
}

template <class X>
inline constexpr bool is_conv_v = false;
template <int S, int P, int D, int G, class X, class W>
inline constexpr bool is_conv_v<conv2d_node<S, P, D, G, X, W>> = true;

// Whether X has one number for each channel of the result of C.
template <class X, class C>
concept per_channel = operand<X> && shape_t<X>::rank == 1 && extent_of<shape_t<X>, 0> == extent_of<shape_t<C>, 3>;

// conv, conv · scale, (…) + shift, (…) + residual, relu(…): what each level of an expression adds to the call.
template <class E>
struct conv_form {
  static constexpr bool matches = false;
};
template <class E>
requires is_conv_v<E>
struct conv_form<E> {
  static constexpr bool matches = true;
  static constexpr int level = 0;
  template <class T>
  static void fill(const E& e, convolution_call<T>& c) {
    c.g = e.geometry();
    erase_into(c.x, e.input());
    erase_into(c.w, e.weight());
    if (e.evaluated()) c.own = e.evaluated_to();
  }
};
template <class A, class B>
requires(is_conv_v<A>&& per_channel<B, A>) struct conv_form<pointwise<functions::mul, A, B>> {
  static constexpr bool matches = true;
  static constexpr int level = 1;
  template <class T>
  static void fill(const pointwise<functions::mul, A, B>& e, convolution_call<T>& c) {
    conv_form<A>::fill(e.template argument<0>(), c);
    const result_t<B> scale = eval(e.template argument<1>());
    expect_beside<shape_t<A>>(scale, c.g);
    erase_into(c.scale, scale);
  }
};
template <class A, class B>
requires(conv_form<A>::matches&& per_channel<B, A>) struct conv_form<pointwise<functions::add, A, B>> {
  static constexpr bool matches = conv_form<A>::level < 2;
  static constexpr int level = 2;
  template <class T>
  static void fill(const pointwise<functions::add, A, B>& e, convolution_call<T>& c) {
    conv_form<A>::fill(e.template argument<0>(), c);
    const result_t<B> shift = eval(e.template argument<1>());
    expect_beside<shape_t<A>>(shift, c.g);
    erase_into(c.shift, shift);
  }
};
template <class A, class B>
requires(conv_form<A>::matches && !per_channel<B, A> && std::is_same_v<shape_t<A>, shape_t<B>>) struct conv_form<pointwise<functions::add, A, B>> {
  static constexpr bool matches = conv_form<A>::level < 3;
  static constexpr int level = 3;
  template <class T>
  static void fill(const pointwise<functions::add, A, B>& e, convolution_call<T>& c) {
    conv_form<A>::fill(e.template argument<0>(), c);
    const result_t<B> residual = eval(e.template argument<1>());
    expect_beside<shape_t<A>>(residual, c.g);
    erase_into(c.residual, residual);
  }
};
template <class A>
requires(conv_form<A>::matches) struct conv_form<pointwise<functions::relu, A>> {
  static constexpr bool matches = conv_form<A>::level < 4;
  static constexpr int level = 4;
  template <class T>
  static void fill(const pointwise<functions::relu, A>& e, convolution_call<T>& c) {
    conv_form<A>::fill(e.template argument<0>(), c);
    c.relu = true;
  }
};

template <class E>
concept convolution_chain = conv_form<E>::matches;

template <class T, class D>
storage scaled_by(const convolution_call<T>& c, const storage& w) {
  storage out = storage::allocate<D>(w.bytes());
  scaled_weights(D{}, static_cast<const T*>(w.data()), static_cast<const T*>(c.scale.data()), c.g.weights() / c.g.out_c, c.g.out_c,
                 static_cast<T*>(out.data()));
  return out;
}

template <class T, class D>
void convolution_backward(const convolution_call<T>& c, const storage& y, storage dy) {
  const auto& g = c.g;
  const extent_t count = g.out_pixels() * g.out_c;
  auto allocate = [](extent_t n) { return allocate_elements<T, D>("dcs::conv2d", {n}); };
  if (c.relu) {
    storage masked = dy.unique() ? dy : allocate(count);
    relu_gradient(D{}, static_cast<const T*>(y.data()), static_cast<const T*>(dy.data()), static_cast<T*>(masked.data()), count);
    dy = std::move(masked);
  }
  const T* d = static_cast<const T*>(dy.data());
  if (c.shift.wanted()) {
    storage sum = allocate(g.out_c);
    sum_rows(D{}, d, g.out_pixels(), g.out_c, static_cast<T*>(sum.data()));
    c.shift.template add<D>(std::move(sum));
  }
  if (c.x.wanted()) {
    const storage w = c.scale.memory ? scaled_by<T, D>(c, c.w.memory) : c.w.memory;
    storage dx = allocate(g.in_pixels() * g.in_c);
    conv2d_data_gradient<T>(D{}, g, d, static_cast<const T*>(w.data()), static_cast<T*>(dx.data()));
    c.x.template add<D>(std::move(dx));
  }
  if (c.w.wanted()) {
    storage dw = allocate(g.weights());
    conv2d_weight_gradient<T>(D{}, g, c.x.data(), d, static_cast<T*>(dw.data()));
    c.w.template add<D>(c.scale.memory ? scaled_by<T, D>(c, dw) : std::move(dw));
  }
  c.residual.template add<D>(std::move(dy));
}

// The parts of the epilogue as kernels of their own, applied to the convolution's result.
template <class T, class D, bool Recorded>
untyped<T> finish_unfused(untyped<T> y, const convolution_call<T>& c) {
  using x0 = expr::leaf<0>;
  using x1 = expr::leaf<1>;
  const double none[expr::max_constants] = {};
  sizes<4> n = c.output_sizes();
  const auto map = [&](const untyped<T>& u) { return chain_leaf<T>{u, 4, {n[0], n[1], n[2], n[3]}, count(n)}; };
  const auto channels = [&](const untyped<T>& u) { return chain_leaf<T>{u, 1, {n[3]}, n[3]}; };
  if (c.scale.memory) y = run_chain<expr::call<functions::mul, x0, x1>, T, D, 2, Recorded>(none, {map(y), channels(c.scale)}, n.data(), 4);
  if (c.shift.memory) y = run_chain<expr::call<functions::add, x0, x1>, T, D, 2, Recorded>(none, {map(y), channels(c.shift)}, n.data(), 4);
  if (c.residual.memory) y = run_chain<expr::call<functions::add, x0, x1>, T, D, 2, Recorded>(none, {map(y), map(c.residual)}, n.data(), 4);
  if (c.relu) y = run_chain<expr::call<functions::relu, x0>, T, D, 1, Recorded>(none, {map(y)}, n.data(), 4);
  return y;
}

// Recorded: whether an operand is a var. Where all are tensors nothing of the backward pass is compiled: a program that only predicts has half the
// kernels.
template <class T, class D, bool Recorded>
[[gnu::noinline]] untyped<T> run_convolution(convolution_call<T>& c) {
  if (c.own.memory) return finish_unfused<T, D, Recorded>(c.own, c);
  if (c.scale.wanted()) {  // never where nothing is recorded
    convolution_call<T> bare;
    bare.g = c.g, bare.x = c.x, bare.w = c.w;
    return finish_unfused<T, D, Recorded>(run_convolution<T, D, Recorded>(bare), c);
  }
  const auto g = c.g;
  note_work<shape<1, 1, 1, 1>>(c.w.data(), c.output_sizes(), work{g.multiply_adds(), g.multiply_adds()});
  storage y = allocate_elements<T, D>("dcs::conv2d", {g.batch, g.out_h, g.out_w, g.out_c});
  const cpu::epilogue<T> epilogue{c.scale.data(), c.shift.data(), c.residual.data(), g.out_c, c.relu};
  conv2d_forward<T>(D{}, g, c.x.data(), c.w.data(), epilogue, static_cast<T*>(y.data()));
  if constexpr (!Recorded) {
    return {std::move(y), {}};
  } else {
    const storage kept = c.relu ? y : storage();
    c.residual.memory = {};  // the backward pass does not need its value
    const std::vector<slot_ptr> parents{c.x.slot, c.w.slot, c.shift.slot, c.residual.slot};
    return record_untyped<T>(std::move(y), parents, [c = std::move(c), kept](storage dy) { convolution_backward<T, D>(c, kept, std::move(dy)); });
  }
}

// The entry points that dcs::compiled contains (core/compiled.hpp).
#define DCS_CONV2D_CALL_ENTRIES(declare, T) declare untyped<T> run_convolution<T, cpu_device, true>(convolution_call<T>&);
DCS_MAP_ENTRIES(DCS_CONV2D_CALL_ENTRIES)

template <class E>
typename E::result_type evaluate_convolution(const E& e) {
  using R = typename E::result_type;
  convolution_call<typename R::value_type> c;
  conv_form<E>::fill(e, c);
  const auto n = c.output_sizes();
  return restore<R>(run_convolution<typename R::value_type, typename R::device_type, may_record_v<R>>(c), n);
}

}  // namespace detail

template <int Stride, int Padding, int Dilation, int Groups, class X, class W>
auto conv2d_node<Stride, Padding, Dilation, Groups, X, W>::evaluate() const -> result_type {
  return this->once([&] { return detail::evaluate_convolution(*this); });
}

/// The pattern table's entry for convolutions: relu(conv · scale + shift + residual), or any part of it.
template <class F, class... A>
requires detail::convolution_chain<pointwise<F, A...>>
struct fused<pointwise<F, A...>> {
  using kernel = kernels::convolution_epilogue;
  using expr = pointwise<F, A...>;
  static constexpr bool always = true;
  static auto run(const expr& e) { return detail::evaluate_convolution(e); }
};

namespace reasons {
struct no_convolution_is_leftmost {};
struct an_operand_is_neither_per_channel_nor_of_the_results_shape {};
struct order_is_not_scale_shift_residual_relu {};
}  // namespace reasons
namespace detail {
// The first thing, from the convolution outwards, that keeps an expression from being its epilogue.
template <class E>
struct conv_obstacle {
  using type = reasons::no_convolution_is_leftmost;
};
template <class E>
requires conv_form<E>::matches struct conv_obstacle<E> {
  using type = reasons::order_is_not_scale_shift_residual_relu;
};
template <class F, class A, class... B>
requires(!conv_form<pointwise<F, A, B...>>::matches && !conv_form<A>::matches) struct conv_obstacle<pointwise<F, A, B...>> : conv_obstacle<A> {
};
template <class F, class A, class... B>
requires(!conv_form<pointwise<F, A, B...>>::matches && conv_form<A>::matches) struct conv_obstacle<pointwise<F, A, B...>> {
  static constexpr bool fit = ((per_channel<B, A> || std::is_same_v<shape_t<A>, shape_t<B>>)&&...);
  using type =
      std::conditional_t<fit, reasons::order_is_not_scale_shift_residual_relu, reasons::an_operand_is_neither_per_channel_nor_of_the_results_shape>;
};
}  // namespace detail
template <class Expr>
struct why_not<kernels::convolution_epilogue, Expr> : detail::conv_obstacle<Expr> {};

}  // namespace dcs

#include <dcs/core/header_end.inl>
