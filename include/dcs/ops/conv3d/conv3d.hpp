// conv3d: maps are N,D,H,W,C and weights KH,KW,KD,In/Groups,Out: the taps along depth stand beside the channels, which is how the kernels of 2-D
// convolutions read them (run.hpp); nn/state_dict.hpp permutes the weights of PyTorch's Conv3d to this order. conv1d (ops/conv1d) shares the body. A
// leaf op with the bias inside; batch, depth, height and width may be dynamic.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/expr/pointwise.hpp>
#include <dcs/ops/conv3d/run.hpp>

DCS_EXACT_MATH
namespace dcs {

template <class Found, class Expected, class Axis>
struct conv1d_rank_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::conv1d: the input must have the three axes N,L,C; number of axes");
};
template <class Found, class Expected, class Axis>
struct conv3d_rank_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::conv3d: the input must have the five axes N,D,H,W,C; number of axes");
};
template <class Found, class Expected, class Axis>
struct conv1d_weight_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::conv1d: the weight must have the three axes K,In/Groups,Out; number of axes");
};
template <class Found, class Expected, class Axis>
struct conv3d_weight_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::conv3d: the weight must have the five axes KH,KW,KD,In/Groups,Out; number of axes");
};
template <class Found, class Expected, class Axis>
struct conv3d_channel_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::conv3d, dcs::conv1d: the channels of the input (its last axis) must be those the weight expects");
};
template <class Found, class Expected, class Axis>
struct conv3d_stride_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::conv3d, dcs::conv1d: the stride must be at least 1");
};
template <class Found, class Expected, class Axis>
struct conv3d_dilation_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::conv3d, dcs::conv1d: the dilation must be at least 1");
};
template <class Found, class Expected, class Axis>
struct conv3d_padding_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::conv3d, dcs::conv1d: the padding must not be negative");
};
template <class Found, class Expected, class Axis>
struct conv3d_groups_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::conv3d, dcs::conv1d: the number of groups must be at least 1");
};
template <class Found, class Expected, class Axis>
struct conv3d_group_mismatch {
  static_assert(same_extent<Found, Expected>,
                "dcs::conv3d, dcs::conv1d: the weight's output channels (its last axis) must be divisible by the number of groups; remainder");
};
template <class Found, class Expected, class Axis>
struct conv3d_bias_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::conv3d, dcs::conv1d: the bias must have one value per output channel (the last axis)");
};

namespace detail {

/// The weight's axis for axis `Axis` of the map: height, width, depth for N,D,H,W,C.
template <int Rank>
constexpr std::size_t kernel_axis(std::size_t axis) {
  return Rank == 3 ? 0 : (axis + 1) % 3;
}

template <class S, class W, int Stride, int Padding, int Dilation>
struct conv3d_rule {
  static constexpr extent at(std::size_t i) {
    constexpr auto last = static_cast<std::size_t>(S::rank - 1);
    if (i == 0) return S::extents[0];
    if (i == last) return W::extents[last];
    return windowed(S::extents[i], W::extents[kernel_axis<S::rank>(i)], Stride, Padding, Dilation);
  }
  static constexpr bool fits() {
    for (std::size_t i = 1; i + 1 < static_cast<std::size_t>(S::rank); ++i)
      if (!windowed_fits(S::extents[i], W::extents[kernel_axis<S::rank>(i)], Stride, Padding, Dilation)) return false;
    return true;
  }
};

/// Whether every extent of a weight is known and at least 1.
template <class W>
constexpr bool positive_extents() {
  for (const extent e : W::extents)
    if (e < 1) return false;
  return true;
}

template <int Rank, class S, class W>
constexpr void check_conv3d_ranks() {
  if constexpr (Rank == 3) {
    verify(check_of<conv1d_rank_mismatch<found<S::rank>, expected<3>, axis<0>>>);
    verify(check_of<conv1d_weight_mismatch<found<W::rank>, expected<3>, axis<0>>>);
  } else {
    verify(check_of<conv3d_rank_mismatch<found<S::rank>, expected<5>, axis<0>>>);
    verify(check_of<conv3d_weight_mismatch<found<W::rank>, expected<5>, axis<0>>>);
  }
}

template <int Rank, class S, class W, int Stride, int Padding, int Dilation, int Groups>
constexpr void check_conv3d() {
  verify(check_of<conv3d_stride_mismatch<found<Stride>, expected<at_least(Stride, 1)>, axis<1>>>);
  verify(check_of<conv3d_dilation_mismatch<found<Dilation>, expected<at_least(Dilation, 1)>, axis<1>>>);
  verify(check_of<conv3d_padding_mismatch<found<Padding>, expected<at_least(Padding, 0)>, axis<1>>>);
  verify(check_of<conv3d_groups_mismatch<found<Groups>, expected<at_least(Groups, 1)>, axis<Rank - 1>>>);
  verify(check_of<conv3d_channel_mismatch<found<extent_of<S, -1>>, expected<extent_of<W, -2> * Groups>, axis<Rank - 1>>>);
  static_assert(positive_extents<W>(), "dcs::conv3d, dcs::conv1d: the weight's extents are static and at least 1");
  verify(check_of<conv3d_group_mismatch<found<extent_of<W, -1> % Groups>, expected<0>, axis<Rank - 1>>>);
  static_assert(conv3d_rule<S, W, Stride, Padding, Dilation>::fits(),
                "dcs::conv3d, dcs::conv1d: a chain of windows over a named extent is beyond what its type can say: as<shape<...>> gives it a new "
                "name");
}

/// The sizes of a map under its own number of axes.
template <int Rank>
constexpr sizes<Rank> from_volume(const sizes<5>& n) {
  if constexpr (Rank == 3)
    return {n[0], n[1], n[4]};
  else
    return n;
}

// The op over maps of Rank axes; the ranks of x and w have been checked.
template <int Rank, int Stride, int Padding, int Dilation, int Groups, class X, class W, class... B>
constexpr auto conv3d(const char* op, const X& x_, const W& w_, const B&... b_) {
  using S = shape_t<X>;
  using WS = shape_t<W>;
  check_conv3d<Rank, S, WS, Stride, Padding, Dilation, Groups>();
  static_assert(((shape_t<B>::rank == 1) && ...), "dcs::conv3d, dcs::conv1d: the bias must have one axis");
  (verify(check_of<conv3d_bias_mismatch<found<extent_of<shape_t<B>, -1>>, expected<extent_of<WS, -1>>, axis<Rank - 1>>>), ...);
  using Out = typename make_shape<conv3d_rule<S, WS, Stride, Padding, Dilation>, Rank>::self;
  constexpr extent_t products = WS::size() / extent_of<WS, -1>;  // of one value of the result
  if constexpr (any_probe_v<X, W, B...>) {
    const auto x = eval(x_);
    note_work<Out>(nullptr, Out::extents, work{Out::size() * products, Out::size() * products}, x);
    return probe_result<Out>(x);
  } else {
    using R = lift_t<Out, X, W, B...>;
    using T = typename R::value_type;
    const auto x = eval(x_);
    const auto g = conv3d_geometry_of(op, as_volume(x.sizes()), as_volume_kernel(WS::extents), {Stride, Padding, Dilation, Groups, Rank == 3});
    const auto n = from_volume<Rank>({x.sizes()[0], g.depth.out, g.plane.out_h, g.plane.out_w, g.plane.out_c});
    untyped<T> ux, uw, ub;
    erase_into(ux, x);
    erase_into(uw, eval(w_));
    (erase_into(ub, eval(b_)), ...);
    note_work<Out>(uw.data(), n, work{g.plane.multiply_adds(), g.plane.multiply_adds()}, x);
    return restore<R>(run_conv3d<T, typename R::device_type>(g, ux, uw, ub), n);
  }
}

}  // namespace detail

/// y[n, d, i, j, o] = Σ x[n, d·Stride + k·Dilation − Padding, i·Stride + h·Dilation − Padding, …, c] · w[h, v, k, c, o], zeros outside the volume.
/// x: shape<N, D, H, W, In>; w: shape<KH, KW, KD, In / Groups, Out>. Needs KD times the memory of x while it runs, unless KD is 1.
/// PyTorch: torch.nn.functional.conv3d
template <int Stride = 1, int Padding = 0, int Dilation = 1, int Groups = 1, operand X, operand W>
constexpr auto conv3d(const X& x, const W& w) {
  detail::check_conv3d_ranks<5, shape_t<X>, shape_t<W>>();
  return detail::conv3d<5, Stride, Padding, Dilation, Groups>("dcs::conv3d", x, w);
}
/// The same with a bias of shape<Out>, inside the op.
template <int Stride = 1, int Padding = 0, int Dilation = 1, int Groups = 1, operand X, operand W, operand B>
constexpr auto conv3d(const X& x, const W& w, const B& b) {
  detail::check_conv3d_ranks<5, shape_t<X>, shape_t<W>>();
  return detail::conv3d<5, Stride, Padding, Dilation, Groups>("dcs::conv3d", x, w, b);
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
