// conv_transpose2d: the linear map whose matrix is the transpose of a convolution's ("up-convolution"). A convolution of the same stride, padding and
// dilation maps the result's extents to the input's. Feature maps are N,H,W,C and weights K,K,Out/Groups,In: those of that convolution, whose kernels
// compute this op and its gradients (cpu.hpp); nn/state_dict.hpp permutes those of PyTorch's ConvTranspose2d to this order.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/expr/pointwise.hpp>
#include <dcs/ops/conv_transpose2d/cpu.hpp>

DCS_EXACT_MATH
namespace dcs {

template <class Found, class Expected, class Axis>
struct conv_transpose2d_rank_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::conv_transpose2d: the input must have the four axes N,H,W,C");
};
template <class Found, class Expected, class Axis>
struct conv_transpose2d_weight_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::conv_transpose2d: the weight must have the four axes K,K,Out/Groups,In");
};
template <class Found, class Expected, class Axis>
struct conv_transpose2d_channel_mismatch {
  static_assert(same_extent<Found, Expected>,
                "dcs::conv_transpose2d: the channels of the input (axis 3) must be those the weight expects (its last axis)");
};
template <class Found, class Expected, class Axis>
struct conv_transpose2d_stride_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::conv_transpose2d: the stride must be at least 1");
};
template <class Found, class Expected, class Axis>
struct conv_transpose2d_dilation_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::conv_transpose2d: the dilation must be at least 1");
};
template <class Found, class Expected, class Axis>
struct conv_transpose2d_padding_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::conv_transpose2d: the padding must not be negative");
};
template <class Found, class Expected, class Axis>
struct conv_transpose2d_output_padding_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::conv_transpose2d: the output padding must not be negative and must be less than the stride");
};
template <class Found, class Expected, class Axis>
struct conv_transpose2d_groups_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::conv_transpose2d: the number of groups must be at least 1");
};
template <class Found, class Expected, class Axis>
struct conv_transpose2d_group_mismatch {
  static_assert(same_extent<Found, Expected>,
                "dcs::conv_transpose2d: the channels of the input (axis 3) must be divisible by the number of groups; remainder");
};
template <class Found, class Expected, class Axis>
struct conv_transpose2d_bias_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::conv_transpose2d: the bias must have one value per output channel (axis 3)");
};

namespace detail {

template <class S, class W, int Stride, int Padding, int OutputPadding, int Groups, int Dilation>
using conv_transpose2d_shape =
    shape<extent_of<S, 0>, unwindowed(extent_of<S, 1>, extent_of<W, 0>, Stride, Padding, OutputPadding, Dilation),
          unwindowed(extent_of<S, 2>, extent_of<W, 1>, Stride, Padding, OutputPadding, Dilation), extent_of<W, 2> * Groups>;

// Whether the result has a shape, right or wrong; where not, the op ends with its check.
template <class S, class W, int Stride, int Padding, int OutputPadding, int Groups, int Dilation>
constexpr bool conv_transpose2d_has_shape() {
  return S::rank == 4 && W::rank == 4 && Stride >= 1 && Dilation >= 1 && Padding >= 0 && OutputPadding >= 0 && Groups >= 1 &&
         extent_or_one<W, 2>() > 0;
}

template <class S, class W, int Stride, int Padding, int OutputPadding, int Groups, int Dilation>
constexpr void check_conv_transpose2d() {
  verify(check_of<conv_transpose2d_rank_mismatch<found<S::rank>, expected<4>, axis<0>>>);
  verify(check_of<conv_transpose2d_weight_mismatch<found<W::rank>, expected<4>, axis<0>>>);
  verify(check_of<conv_transpose2d_stride_mismatch<found<Stride>, expected<at_least(Stride, 1)>, axis<1>>>);
  verify(check_of<conv_transpose2d_dilation_mismatch<found<Dilation>, expected<at_least(Dilation, 1)>, axis<1>>>);
  verify(check_of<conv_transpose2d_padding_mismatch<found<Padding>, expected<at_least(Padding, 0)>, axis<1>>>);
  verify(
      check_of<conv_transpose2d_output_padding_mismatch<found<OutputPadding>, expected<at_least(at_most(OutputPadding, Stride - 1), 0)>, axis<1>>>);
  verify(check_of<conv_transpose2d_groups_mismatch<found<Groups>, expected<at_least(Groups, 1)>, axis<3>>>);
  if constexpr (S::rank == 4 && W::rank == 4 && Stride >= 1 && Dilation >= 1 && Padding >= 0 && OutputPadding >= 0 && Groups >= 1) {
    verify(check_of<conv_transpose2d_channel_mismatch<found<extent_of<S, 3>>, expected<extent_of<W, 3>>, axis<3>>>);
    static_assert(extent_of<W, 0> > 0 && extent_of<W, 1> > 0 && extent_of<W, 2> > 0 && extent_of<W, 3> > 0,
                  "dcs::conv_transpose2d: the weight's extents are static and at least 1");
    verify(check_of<conv_transpose2d_group_mismatch<found<extent_of<W, 3> % Groups>, expected<0>, axis<3>>>);
    static_assert(
        unwindowed_fits(extent_of<S, 1>, extent_of<W, 0>, Stride, Padding, OutputPadding, Dilation) &&
            unwindowed_fits(extent_of<S, 2>, extent_of<W, 1>, Stride, Padding, OutputPadding, Dilation),
        "dcs::conv_transpose2d: a chain of windows over a named extent is beyond what its type can say: as<shape<...>> gives it a new name");
  }
}

/// The convolution whose data gradient is the transposed convolution of an x of these sizes: its input is the result, of at most 2⁵⁷ elements.
[[gnu::noinline]] inline cpu::conv2d_geometry conv_transpose2d_geometry(const sizes<4>& x, const sizes<4>& w, extent_t stride, extent_t padding,
                                                                        extent_t output_padding, extent_t groups, extent_t dilation) {
  constexpr extent_t most = extent_t{1} << 57;
  expect(x[1] >= 1 && x[2] >= 1, "dcs::conv_transpose2d: an image of ", x[1], " × ", x[2], "; expected at least 1 × 1");
  const auto unwind = [&](extent_t e, extent_t k) { return e > most / stride ? most : unwindowed(e, k, stride, padding, output_padding, dilation); };
  const extent_t h = unwind(x[1], w[0]), v = unwind(x[2], w[1]);
  expect(h >= 1 && v >= 1, "dcs::conv_transpose2d: nothing is left of an image of ", x[1], " × ", x[2], " with a ", w[0], " × ", w[1],
         " kernel, stride ", stride, " and padding ", padding, "; expected less padding or a larger image");
  extent_t room = most / (w[2] * groups);
  for (const extent_t e : {std::max<extent_t>(x[0], 1), h, v}) room /= e;
  expect(room >= 1, "dcs::conv_transpose2d: sizes ", to_string(x), " with stride ", stride,
         " give more than 2^57 elements; expected a smaller image");
  return {x[0], h, v, w[2] * groups, x[1], x[2], x[3], w[0], w[1], stride, padding, dilation, groups};
}

/// What both conventions count: the true number of multiply-adds is one for each pair of an input value and a weight that it is multiplied by; thop
/// uses the formula of a convolution, as if every output value read a whole kernel.
constexpr work conv_transpose2d_work(extent_t in_pixels, extent_t in_c, extent_t out_pixels, extent_t out_c, extent_t taps, extent_t groups) {
  return {in_pixels * in_c * taps * (out_c / groups), out_pixels * out_c * taps * (in_c / groups)};
}

template <class T, class D>
[[gnu::noinline]] untyped<T> run_conv_transpose2d(const cpu::conv2d_geometry& g, const untyped<T>& x, const untyped<T>& w, const untyped<T>& b) {
  const auto allocate = [](extent_t n) { return storage::allocate<D>(n * static_cast<extent_t>(sizeof(T))); };
  note_work<shape<1, 1, 1, 1>>(w.data(), {g.batch, g.in_h, g.in_w, g.in_c},
                               conv_transpose2d_work(g.out_pixels(), g.out_c, g.in_pixels(), g.in_c, g.taps(), g.groups));
  storage y = allocate(g.in_pixels() * g.in_c);
  const T *from = x.data(), *weights = w.data(), *shift = b.data();
  conv_transpose2d_forward(D{}, g, from, weights, shift, static_cast<T*>(y.data()));
  return record_untyped<T>(std::move(y), {x.slot, w.slot, b.slot}, [g, allocate, x, w, b = untyped<T>{{}, b.slot}](const storage& dy) {
    const T* d = static_cast<const T*>(dy.data());
    if (x.wanted()) {
      storage dx = allocate(g.out_pixels() * g.out_c);
      conv2d_forward<T>(D{}, g, d, w.data(), cpu::epilogue<T>{}, static_cast<T*>(dx.data()));
      x.template add<D>(std::move(dx));
    }
    if (w.wanted()) {
      storage dw = allocate(g.weights());
      conv2d_weight_gradient<T>(D{}, g, d, x.data(), static_cast<T*>(dw.data()));
      w.template add<D>(std::move(dw));
    }
    if (b.wanted()) {
      storage db = allocate(g.in_c);
      sum_rows(D{}, d, g.in_pixels(), g.in_c, static_cast<T*>(db.data()));
      b.template add<D>(std::move(db));
    }
  });
}

template <int Stride, int Padding, int OutputPadding, int Groups, int Dilation, class X, class W, class... B>
constexpr auto conv_transpose2d(const X& x_, const W& w_, const B&... b_) {
  using S = shape_t<X>;
  using WS = shape_t<W>;
  using Out = conv_transpose2d_shape<S, WS, Stride, Padding, OutputPadding, Groups, Dilation>;
  if constexpr (any_probe_v<X, W, B...>) {
    const auto x = eval(x_);
    constexpr extent_t in = extent_of<S, 3>, out = extent_of<Out, 3>;
    note_work<Out>(nullptr, Out::extents,
                   conv_transpose2d_work(S::size() / in, in, Out::size() / out, out, extent_of<WS, 0> * extent_of<WS, 1>, Groups), x);
    return probe_result<Out>(x);
  } else {
    using R = lift_t<Out, X, W, B...>;
    using T = typename R::value_type;
    const auto x = eval(x_);
    const auto w = eval(w_);
    const auto g = conv_transpose2d_geometry(x.sizes(), w.sizes(), Stride, Padding, OutputPadding, Groups, Dilation);
    untyped<T> ux, uw, ub;
    erase_into(ux, x);
    erase_into(uw, w);
    (erase_into(ub, eval(b_)), ...);
    return restore<R>(run_conv_transpose2d<T, typename R::device_type>(g, ux, uw, ub), {g.batch, g.in_h, g.in_w, g.in_c});
  }
}

}  // namespace detail

/// Whether conv_transpose2d accepts an input of shape S with weights of shape W.
template <class S, class W, int Groups = 1>
concept conv_transposable = S::rank == 4 && W::rank == 4 && extent_of<S, 3> == extent_of<W, 3>&& extent_of<W, 3> % Groups == 0;

/// y[n, i·Stride + h·Dilation − Padding, …, o] = Σ x[n, i, …, c] · w[h, v, o, c]: every pixel of x adds the kernel times its value to y.
/// x: shape<N, H, W, In>; w: shape<K, K, Out / Groups, In>; y: shape<N, H', W', Out> with H' = (H − 1)·Stride − 2·Padding + Dilation·(K − 1) +
/// OutputPadding + 1. Output padding, less than the stride, adds rows and columns at the end, where several heights have the same convolution. Of a
/// named extent H' is unwindowed() of core/extent_algebra.hpp. An error where H' or W' is less than 1.
/// PyTorch: torch.nn.functional.conv_transpose2d
template <int Stride = 1, int Padding = 0, int OutputPadding = 0, int Groups = 1, int Dilation = 1, operand X, operand W>
constexpr auto conv_transpose2d(const X& x, const W& w) {
  detail::check_conv_transpose2d<shape_t<X>, shape_t<W>, Stride, Padding, OutputPadding, Groups, Dilation>();
  if constexpr (detail::conv_transpose2d_has_shape<shape_t<X>, shape_t<W>, Stride, Padding, OutputPadding, Groups, Dilation>())
    return detail::conv_transpose2d<Stride, Padding, OutputPadding, Groups, Dilation>(x, w);
  else
    return x;
}

/// The same with a bias of shape<Out>, inside the op.
template <int Stride = 1, int Padding = 0, int OutputPadding = 0, int Groups = 1, int Dilation = 1, operand X, operand W, operand B>
constexpr auto conv_transpose2d(const X& x, const W& w, const B& b) {
  static_assert(shape_t<B>::rank == 1, "dcs::conv_transpose2d: the bias must have one axis");
  detail::check_conv_transpose2d<shape_t<X>, shape_t<W>, Stride, Padding, OutputPadding, Groups, Dilation>();
  if constexpr (detail::conv_transpose2d_has_shape<shape_t<X>, shape_t<W>, Stride, Padding, OutputPadding, Groups, Dilation>()) {
    verify(check_of<conv_transpose2d_bias_mismatch<found<extent_of<shape_t<B>, -1>>, expected<extent_of<shape_t<W>, 2> * Groups>, axis<3>>>);
    return detail::conv_transpose2d<Stride, Padding, OutputPadding, Groups, Dilation>(x, w, b);
  } else {
    return x;
  }
}
DCS_REFUSE_OTHERS(conv_transpose2d)

}  // namespace dcs

#include <dcs/core/header_end.inl>
