// conv_transpose3d: the linear map whose matrix is the transpose of a convolution's over volumes. Maps are N,D,H,W,C and weights
// KH,KW,KD,Out/Groups,In: those of the convolution back (ops/conv3d/run.hpp); nn/state_dict.hpp permutes those of PyTorch's ConvTranspose3d to this
// order. conv_transpose1d (ops/conv_transpose1d) shares the body.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/ops/conv3d/conv3d.hpp>
#include <dcs/ops/conv_transpose2d/conv_transpose2d.hpp>

DCS_EXACT_MATH
namespace dcs {

template <class Found, class Expected, class Axis>
struct conv_transpose1d_rank_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::conv_transpose1d: the input must have the three axes N,L,C; number of axes");
};
template <class Found, class Expected, class Axis>
struct conv_transpose3d_rank_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::conv_transpose3d: the input must have the five axes N,D,H,W,C; number of axes");
};
template <class Found, class Expected, class Axis>
struct conv_transpose1d_weight_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::conv_transpose1d: the weight must have the three axes K,Out/Groups,In; number of axes");
};
template <class Found, class Expected, class Axis>
struct conv_transpose3d_weight_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::conv_transpose3d: the weight must have the five axes KH,KW,KD,Out/Groups,In; number of axes");
};
template <class Found, class Expected, class Axis>
struct conv_transpose3d_channel_mismatch {
  static_assert(same_extent<Found, Expected>,
                "dcs::conv_transpose3d, dcs::conv_transpose1d: the channels of the input must be those the weight expects (its last axis)");
};
template <class Found, class Expected, class Axis>
struct conv_transpose3d_stride_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::conv_transpose3d, dcs::conv_transpose1d: the stride must be at least 1");
};
template <class Found, class Expected, class Axis>
struct conv_transpose3d_dilation_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::conv_transpose3d, dcs::conv_transpose1d: the dilation must be at least 1");
};
template <class Found, class Expected, class Axis>
struct conv_transpose3d_padding_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::conv_transpose3d, dcs::conv_transpose1d: the padding must not be negative");
};
template <class Found, class Expected, class Axis>
struct conv_transpose3d_output_padding_mismatch {
  static_assert(same_extent<Found, Expected>,
                "dcs::conv_transpose3d, dcs::conv_transpose1d: the output padding must not be negative and must be less than the stride");
};
template <class Found, class Expected, class Axis>
struct conv_transpose3d_groups_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::conv_transpose3d, dcs::conv_transpose1d: the number of groups must be at least 1");
};
template <class Found, class Expected, class Axis>
struct conv_transpose3d_group_mismatch {
  static_assert(same_extent<Found, Expected>,
                "dcs::conv_transpose3d, dcs::conv_transpose1d: the channels of the input must be divisible by the number of groups; remainder");
};
template <class Found, class Expected, class Axis>
struct conv_transpose3d_bias_mismatch {
  static_assert(same_extent<Found, Expected>,
                "dcs::conv_transpose3d, dcs::conv_transpose1d: the bias must have one value per output channel (the last axis)");
};

namespace detail {

template <class S, class W, int Stride, int Padding, int OutputPadding, int Groups, int Dilation>
struct conv_transpose3d_rule {
  static constexpr extent kernel(std::size_t i) { return W::extents[kernel_axis<S::rank>(i)]; }
  static constexpr extent at(std::size_t i) {
    constexpr auto last = static_cast<std::size_t>(S::rank - 1);
    if (i == 0) return S::extents[0];
    if (i == last) return extent_of<W, -2> * Groups;
    return unwindowed(extent{S::extents[i]}, static_cast<extent_t>(kernel(i)), Stride, Padding, OutputPadding, Dilation);
  }
  static constexpr bool fits() {
    for (std::size_t i = 1; i + 1 < static_cast<std::size_t>(S::rank); ++i)
      if (!unwindowed_fits(S::extents[i], static_cast<extent_t>(kernel(i)), Stride, Padding, OutputPadding, Dilation)) return false;
    return true;
  }
};

template <int Rank, class S, class W>
constexpr void check_conv_transpose3d_ranks() {
  if constexpr (Rank == 3) {
    verify(check_of<conv_transpose1d_rank_mismatch<found<S::rank>, expected<3>, axis<0>>>);
    verify(check_of<conv_transpose1d_weight_mismatch<found<W::rank>, expected<3>, axis<0>>>);
  } else {
    verify(check_of<conv_transpose3d_rank_mismatch<found<S::rank>, expected<5>, axis<0>>>);
    verify(check_of<conv_transpose3d_weight_mismatch<found<W::rank>, expected<5>, axis<0>>>);
  }
}
template <int Rank, class S, class W, int Stride, int Padding, int OutputPadding, int Groups, int Dilation>
constexpr void check_conv_transpose3d() {
  verify(check_of<conv_transpose3d_stride_mismatch<found<Stride>, expected<at_least(Stride, 1)>, axis<1>>>);
  verify(check_of<conv_transpose3d_dilation_mismatch<found<Dilation>, expected<at_least(Dilation, 1)>, axis<1>>>);
  verify(check_of<conv_transpose3d_padding_mismatch<found<Padding>, expected<at_least(Padding, 0)>, axis<1>>>);
  verify(
      check_of<conv_transpose3d_output_padding_mismatch<found<OutputPadding>, expected<at_least(at_most(OutputPadding, Stride - 1), 0)>, axis<1>>>);
  verify(check_of<conv_transpose3d_groups_mismatch<found<Groups>, expected<at_least(Groups, 1)>, axis<Rank - 1>>>);
  verify(check_of<conv_transpose3d_channel_mismatch<found<extent_of<S, -1>>, expected<extent_of<W, -1>>, axis<Rank - 1>>>);
  static_assert(positive_extents<W>(), "dcs::conv_transpose3d, dcs::conv_transpose1d: the weight's extents are static and at least 1");
  verify(check_of<conv_transpose3d_group_mismatch<found<extent_of<W, -1> % Groups>, expected<0>, axis<Rank - 1>>>);
  static_assert(conv_transpose3d_rule<S, W, Stride, Padding, OutputPadding, Groups, Dilation>::fits(),
                "dcs::conv_transpose3d, dcs::conv_transpose1d: a chain of windows over a named extent is beyond what its type can say: "
                "as<shape<...>> gives it a new name");
}

// The op over maps of Rank axes; the ranks of x and w have been checked.
template <int Rank, int Stride, int Padding, int OutputPadding, int Groups, int Dilation, class X, class W, class... B>
constexpr auto conv_transpose3d(const char* op, const X& x_, const W& w_, const B&... b_) {
  using S = shape_t<X>;
  using WS = shape_t<W>;
  check_conv_transpose3d<Rank, S, WS, Stride, Padding, OutputPadding, Groups, Dilation>();
  static_assert(((shape_t<B>::rank == 1) && ...), "dcs::conv_transpose3d, dcs::conv_transpose1d: the bias must have one axis");
  (verify(check_of<conv_transpose3d_bias_mismatch<found<extent_of<shape_t<B>, -1>>, expected<extent_of<WS, -2> * Groups>, axis<Rank - 1>>>), ...);
  using Out = typename make_shape<conv_transpose3d_rule<S, WS, Stride, Padding, OutputPadding, Groups, Dilation>, Rank>::self;
  constexpr extent_t in = extent_of<WS, -1>, out = extent_of<WS, -2> * Groups, taps = WS::size() / in / extent_of<WS, -2>;
  if constexpr (any_probe_v<X, W, B...>) {
    const auto x = eval(x_);
    note_work<Out>(nullptr, Out::extents, conv_transpose2d_work(S::size() / in, in, Out::size() / out, out, taps, Groups), x);
    return probe_result<Out>(x);
  } else {
    using R = lift_t<Out, X, W, B...>;
    using T = typename R::value_type;
    const auto x = eval(x_);
    const auto g = conv_transpose3d_geometry_of(op, as_volume(x.sizes()), as_volume_kernel(WS::extents),
                                                {Stride, Padding, Dilation, Groups, Rank == 3}, OutputPadding);
    const auto n = from_volume<Rank>({x.sizes()[0], g.depth.in, g.plane.in_h, g.plane.in_w, out});
    untyped<T> ux, uw, ub;
    erase_into(ux, x);
    erase_into(uw, eval(w_));
    (erase_into(ub, eval(b_)), ...);
    note_work<Out>(uw.data(), n, conv_transpose2d_work(x.size() / in, in, count(n) / out, out, taps, Groups), x);
    return restore<R>(run_conv_transpose3d<T, typename R::device_type>(g, ux, uw, ub), n);
  }
}

}  // namespace detail

/// y[n, d·Stride + k·Dilation − Padding, …, o] = Σ x[n, d, …, c] · w[h, v, k, o, c]: every voxel of x adds the kernel times its value to y.
/// x: shape<N, D, H, W, In>; w: shape<KH, KW, KD, Out / Groups, In>; y: shape<N, D′, H′, W′, Out> with D′ = (D − 1)·Stride − 2·Padding +
/// Dilation·(KD − 1) + OutputPadding + 1, H′ and W′ likewise; of a named extent unwindowed() of core/extent_algebra.hpp. An error where one is less
/// than 1.
///
/// PyTorch: torch.nn.functional.conv_transpose3d
template <int Stride = 1, int Padding = 0, int OutputPadding = 0, int Groups = 1, int Dilation = 1, operand X, operand W>
constexpr auto conv_transpose3d(const X& x, const W& w) {
  detail::check_conv_transpose3d_ranks<5, shape_t<X>, shape_t<W>>();
  return detail::conv_transpose3d<5, Stride, Padding, OutputPadding, Groups, Dilation>("dcs::conv_transpose3d", x, w);
}
/// The same with a bias of shape<Out>, inside the op.
template <int Stride = 1, int Padding = 0, int OutputPadding = 0, int Groups = 1, int Dilation = 1, operand X, operand W, operand B>
constexpr auto conv_transpose3d(const X& x, const W& w, const B& b) {
  detail::check_conv_transpose3d_ranks<5, shape_t<X>, shape_t<W>>();
  return detail::conv_transpose3d<5, Stride, Padding, OutputPadding, Groups, Dilation>("dcs::conv_transpose3d", x, w, b);
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
