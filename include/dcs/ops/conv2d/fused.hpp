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

template <class X>
auto pointer_or_null(const X& x) {
  if constexpr (std::is_same_v<X, none>) return nullptr;
  else return value(x).data();
}
template <class X>
auto sink_or_none(const X& x) {
  if constexpr (std::is_same_v<X, none>) return none{};
  else return sink_of(x);
}
template <class X>
auto value_or_none(const X& x) {
  if constexpr (std::is_same_v<X, none>) return none{};
  else return value(x);
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

template <class R, class Y, class F, class Parts>
R record_parts(Y y, F backward, const Parts& p) {
  if constexpr (Parts::shifted && Parts::has_residual) return R(record(std::move(y), std::move(backward), p.conv.input(), p.conv.weight(), p.shift, p.residual));
  else if constexpr (Parts::shifted) return R(record(std::move(y), std::move(backward), p.conv.input(), p.conv.weight(), p.shift));
  else if constexpr (Parts::has_residual) return R(record(std::move(y), std::move(backward), p.conv.input(), p.conv.weight(), p.residual));
  else return R(record(std::move(y), std::move(backward), p.conv.input(), p.conv.weight()));
}

template <class R, class Parts>
auto run_convolution(const Parts& p) {
  using conv_type = typename Parts::conv_type;
  using S = typename conv_type::shape_type;
  using T = typename conv_type::value_type;
  using D = typename conv_type::device_type;
  using XS = std::remove_cvref_t<decltype(value(p.conv.input()))>;
  using WS = std::remove_cvref_t<decltype(value(p.conv.weight()))>;
  const auto g = p.conv.geometry();
  auto y = tensor<T, S, D>::empty(p.conv.output_sizes());
  if constexpr (Parts::has_residual)
    expect(p.residual.sizes() == y.sizes(), "dcs::conv2d: a residual of sizes ", to_string(p.residual.sizes()), " for a result of ", to_string(y.sizes()));
  const cpu::epilogue<T> e{pointer_or_null(p.scale), pointer_or_null(p.shift), pointer_or_null(p.residual), g.out_c, p.relu};
  cpu::conv2d_forward<T>(g, value(p.conv.input()).data(), value(p.conv.weight()).data(), e, y.data());
  note_work<S>(value(p.conv.weight()).data(), y.sizes(), work{g.multiply_adds(), g.multiply_adds()}, p.conv.input());

  tensor<T, S, D> kept = p.relu ? y : tensor<T, S, D>();
  auto backward = [g, kept, x = value(p.conv.input()), w = value(p.conv.weight()), scale = value_or_none(p.scale), gx = sink_of(p.conv.input()),
                   gw = sink_of(p.conv.weight()), gshift = sink_or_none(p.shift), gresidual = sink_or_none(p.residual)](const tensor<T, S, D>& dy) {
    tensor<T, S, D> d = dy;
    if (kept.defined()) {
      d = tensor<T, S, D>::empty(dy.sizes());
      relu_gradient(D{}, kept.data(), dy.data(), d.data(), d.size());
    }
    if constexpr (Parts::has_residual) gresidual.add(d);
    if constexpr (Parts::shifted) {
      if (gshift.wanted()) {
        auto sum = tensor<T, shape<extent_of<S, 3>>, D>::empty({g.out_c});
        sum_rows(D{}, d.data(), g.out_pixels(), g.out_c, sum.data());
        gshift.add(std::move(sum));
      }
    }
    if (gx.wanted()) {
      WS scaled = w;
      if constexpr (Parts::scaled) {
        scaled = w.clone();
        for (extent_t i = 0; i < scaled.size(); ++i) scaled.data()[i] *= scale.data()[i % g.out_c];
      }
      auto dx = XS::empty(x.sizes());
      cpu::conv2d_data_gradient<T>(g, d.data(), scaled.data(), dx.data());
      gx.add(std::move(dx));
    }
    if (gw.wanted()) {
      auto dw = WS::empty(w.sizes());
      cpu::conv2d_weight_gradient<T>(g, x.data(), d.data(), dw.data());
      if constexpr (Parts::scaled)
        for (extent_t i = 0; i < dw.size(); ++i) dw.data()[i] *= scale.data()[i % g.out_c];
      gw.add(std::move(dw));
    }
  };
  return record_parts<R>(std::move(y), std::move(backward), p);
}

}  // namespace detail

template <int Stride, int Padding, int Dilation, int Groups, class X, class W>
auto conv2d_node<Stride, Padding, Dilation, Groups, X, W>::evaluate() const -> result_type {
  return this->once([&] { return detail::run_convolution<result_type>(detail::conv_form<conv2d_node>::parts(*this)); });
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
  static auto run(const expr& e) { return detail::run_convolution<typename expr::result_type>(detail::conv_form<expr>::parts(e)); }
};

}  // namespace dcs
