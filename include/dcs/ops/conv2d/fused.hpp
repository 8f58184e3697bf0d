// Convolution with its epilogue: the patterns relu((conv · scale + shift) + residual), any part of which may be missing, for tensors and vars.
// Backward undoes the ReLU by the sign of the result, sends the gradient to residual and shift as it is, and folds the scale into the weights. A scale that
// is itself recorded needs the convolution's own result, so such an expression is evaluated unfused.
#pragma once

#include <dcs/ops/conv2d/conv2d.hpp>

#define DCS_KERNELS <dcs/ops/conv2d/relu_gradient.inl>
#include <dcs/cpu/foreach_isa.inl>

namespace dcs {

namespace detail {

struct none {};

template <class Conv, class Scale = none, class Shift = none, class Residual = none>
struct conv_parts {
  using conv_type = Conv;
  static constexpr bool scaled = !std::is_same_v<Scale, none>, shifted = !std::is_same_v<Shift, none>, has_residual = !std::is_same_v<Residual, none>;
  const Conv& conv;
  Scale scale;
  Shift shift;
  Residual residual;
  bool relu = false;
};

template <class X>
inline constexpr bool is_conv_v = false;
template <int S, int P, int D, int G, class X, class W>
inline constexpr bool is_conv_v<conv2d_node<S, P, D, G, X, W>> = true;

// An expression of vars may be recorded; a handle knows.
template <class X>
bool may_be_recorded(const X& x) {
  if constexpr (handle<X>) return is_recorded(x);
  else return any_var_v<X>;
}

template <class X>
concept per_channel = operand<X> && shape_t<X>::rank == 1;

// conv, conv · scale, (…) + shift, (…) + residual: what each level of an expression adds.
template <class E>
struct conv_form {
  static constexpr bool matches = false;
};
template <class E>
  requires is_conv_v<E>
struct conv_form<E> {
  static constexpr bool matches = true;
  static constexpr int level = 0;
  static bool fusible(const E& e) { return !e.evaluated(); }
  static auto parts(const E& e) { return conv_parts<E>{e, {}, {}, {}}; }
};
template <class A, class B>
  requires(is_conv_v<A> && per_channel<B>)
struct conv_form<pointwise<functions::mul, A, B>> {
  static constexpr bool matches = true;
  static constexpr int level = 1;
  static bool fusible(const pointwise<functions::mul, A, B>& e) {
    return !e.template argument<0>().evaluated() && !may_be_recorded(e.template argument<1>());
  }
  static auto parts(const pointwise<functions::mul, A, B>& e) {
    return conv_parts<A, result_t<B>>{e.template argument<0>(), eval(e.template argument<1>()), {}, {}};
  }
};
template <class A, class B>
  requires(conv_form<A>::matches && per_channel<B>)
struct conv_form<pointwise<functions::add, A, B>> {
  static constexpr bool matches = conv_form<A>::level < 2;
  static constexpr int level = 2;
  static bool fusible(const pointwise<functions::add, A, B>& e) { return conv_form<A>::fusible(e.template argument<0>()); }
  static auto parts(const pointwise<functions::add, A, B>& e) {
    auto p = conv_form<A>::parts(e.template argument<0>());
    return conv_parts<typename decltype(p)::conv_type, decltype(p.scale), result_t<B>>{p.conv, p.scale, eval(e.template argument<1>()), {}};
  }
};
template <class A, class B>
  requires(conv_form<A>::matches && !per_channel<B> && std::is_same_v<shape_t<A>, shape_t<B>>)
struct conv_form<pointwise<functions::add, A, B>> {
  static constexpr bool matches = conv_form<A>::level < 3;
  static constexpr int level = 3;
  static bool fusible(const pointwise<functions::add, A, B>& e) { return conv_form<A>::fusible(e.template argument<0>()); }
  static auto parts(const pointwise<functions::add, A, B>& e) {
    auto p = conv_form<A>::parts(e.template argument<0>());
    return conv_parts<typename decltype(p)::conv_type, decltype(p.scale), decltype(p.shift), result_t<B>>{p.conv, p.scale, p.shift,
                                                                                                         eval(e.template argument<1>())};
  }
};
template <class A>
  requires(conv_form<A>::matches)
struct conv_form<pointwise<functions::relu, A>> {
  static constexpr bool matches = conv_form<A>::level < 4;
  static constexpr int level = 4;
  static bool fusible(const pointwise<functions::relu, A>& e) { return conv_form<A>::fusible(e.template argument<0>()); }
  static auto parts(const pointwise<functions::relu, A>& e) {
    auto p = conv_form<A>::parts(e.template argument<0>());
    p.relu = true;
    return p;
  }
};

template <class E>
concept convolution_chain = conv_form<E>::matches;

template <class T, class X>
untyped<T> erase_part(const X& x) {
  if constexpr (std::is_same_v<X, none>) return {};
  else return erase(x);
}

// out = dy where y > 0, else 0.
template <class T>
void relu_gradient(cpu_device, const T* y, const T* dy, T* out, std::int64_t n) {
  cpu::parallel_chunks(n, 1 << 15, [=](std::int64_t b, std::int64_t e) { DCS_DISPATCH(relu_gradient, y + b, dy + b, out + b, e - b); });
}
// out[c] = Σ over rows of dy[row, c].
template <class T>
void sum_rows(cpu_device, const T* dy, std::int64_t rows, std::int64_t channels, T* out) {
  const std::int64_t size[2] = {rows, channels}, keep[2] = {0, 1};
  expr::sum_to(cpu_device{}, out, channels, dy, size, 2, keep);
}

// A convolution and its epilogue without shapes: operands that are not there have no memory.
template <class T>
struct convolution_call {
  cpu::conv2d_geometry g;
  untyped<T> x, w, scale, shift, residual;
  bool relu = false;
};

template <class T, class D>
storage scaled_weights(const convolution_call<T>& c, const storage& w) {
  storage out = storage::allocate<D>(w.bytes());
  const T* from = static_cast<const T*>(w.data());
  T* to = static_cast<T*>(out.data());
  const T* scale = c.scale.data();
  const extent_t channels = c.g.out_c;
  cpu::parallel_chunks(c.g.weights() / channels, 64, [=](extent_t begin, extent_t end) {
    for (extent_t i = begin * channels; i < end * channels; i += channels)
      for (extent_t o = 0; o < channels; ++o) to[i + o] = from[i + o] * scale[o];
  });
  return out;
}

template <class T, class D>
void convolution_backward(const convolution_call<T>& c, const storage& y, storage dy) {
  const auto& g = c.g;
  const extent_t count = g.out_pixels() * g.out_c;
  auto allocate = [](extent_t n) { return storage::allocate<D>(n * static_cast<extent_t>(sizeof(T))); };
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
    const storage w = c.scale.memory ? scaled_weights<T, D>(c, c.w.memory) : c.w.memory;
    storage dx = allocate(g.in_pixels() * g.in_c);
    cpu::conv2d_data_gradient<T>(g, d, static_cast<const T*>(w.data()), static_cast<T*>(dx.data()));
    c.x.template add<D>(std::move(dx));
  }
  if (c.w.wanted()) {
    storage dw = allocate(g.weights());
    cpu::conv2d_weight_gradient<T>(g, c.x.data(), d, static_cast<T*>(dw.data()));
    c.w.template add<D>(c.scale.memory ? scaled_weights<T, D>(c, dw) : std::move(dw));
  }
  c.residual.template add<D>(std::move(dy));
}

template <class T, class D>
untyped<T> run_convolution(convolution_call<T> c) {
  const auto& g = c.g;
  storage y = storage::allocate<D>(g.out_pixels() * g.out_c * static_cast<extent_t>(sizeof(T)));
  cpu::conv2d_forward<T>(g, c.x.data(), c.w.data(), {c.scale.data(), c.shift.data(), c.residual.data(), g.out_c, c.relu}, static_cast<T*>(y.data()));
  const storage kept = c.relu ? y : storage();
  c.residual.memory = {};  // its value is not needed again
  const std::vector<slot_ptr> parents{c.x.slot, c.w.slot, c.shift.slot, c.residual.slot};
  return record_untyped<T>(std::move(y), parents, [c = std::move(c), kept](storage dy) { convolution_backward<T, D>(c, kept, std::move(dy)); });
}

template <class R, class Parts>
R evaluate_convolution(const Parts& p) {
  using T = typename R::value_type;
  const auto n = p.conv.output_sizes();
  if constexpr (Parts::has_residual)
    expect(p.residual.sizes() == n, "dcs::conv2d: a residual of sizes ", to_string(p.residual.sizes()), " for a result of ", to_string(n));
  convolution_call<T> c{p.conv.geometry(), erase(p.conv.input()), erase(p.conv.weight()), erase_part<T>(p.scale), erase_part<T>(p.shift),
                        erase_part<T>(p.residual), p.relu};
  note_work<shape<1, 1, 1, 1>>(c.w.data(), n, work{c.g.multiply_adds(), c.g.multiply_adds()});
  return restore<R>(run_convolution<T, typename R::device_type>(std::move(c)), n);
}

}  // namespace detail

template <int Stride, int Padding, int Dilation, int Groups, class X, class W>
auto conv2d_node<Stride, Padding, Dilation, Groups, X, W>::evaluate() const -> result_type {
  return this->once([&] { return detail::evaluate_convolution<result_type>(detail::conv_form<conv2d_node>::parts(*this)); });
}

/// The pattern table's entry for convolutions: relu(conv · scale + shift + residual), or any part of it.
template <class F, class... A>
  requires detail::convolution_chain<pointwise<F, A...>>
struct fused<pointwise<F, A...>> {
  using kernel = kernels::convolution_epilogue;
  using expr = pointwise<F, A...>;
  static bool applies(const expr& e) {
    return detail::conv_form<expr>::fusible(e);
  }
  static auto run(const expr& e) { return detail::evaluate_convolution<typename expr::result_type>(detail::conv_form<expr>::parts(e)); }
};

}  // namespace dcs
