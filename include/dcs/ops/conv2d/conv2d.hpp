// conv2d: a lazy node, so that the pattern table sees the expression around it: a bias, a norm's scale and shift, a residual and ReLU become the
// convolution's epilogue (fused.hpp). Feature maps are N,H,W,C and weights K,K,In/Groups,Out. Batch, height and width may be dynamic; the extents of
// the result follow from them by the algebra of core/extent.hpp.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/expr/pointwise.hpp>
#include <dcs/ops/conv2d/cpu.hpp>

DCS_EXACT_MATH
namespace dcs {

template <class Found, class Expected, class Axis>
struct conv2d_rank_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::conv2d: the input must have the four axes N,H,W,C");
};
template <class Found, class Expected, class Axis>
struct conv2d_channel_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::conv2d: the channels of the input (axis 3) must be those the weight expects");
};
template <class Found, class Expected, class Axis>
struct conv2d_stride_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::conv2d: the stride must be at least 1");
};
template <class Found, class Expected, class Axis>
struct conv2d_dilation_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::conv2d: the dilation must be at least 1");
};
template <class Found, class Expected, class Axis>
struct conv2d_padding_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::conv2d: the padding must not be negative");
};
template <class Found, class Expected, class Axis>
struct conv2d_groups_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::conv2d: the number of groups must be at least 1");
};
template <class Found, class Expected, class Axis>
struct conv2d_group_mismatch {
  static_assert(same_extent<Found, Expected>,
                "dcs::conv2d: the weight's output channels (axis 3) must be divisible by the number of groups; remainder");
};
template <class Found, class Expected, class Axis>
struct conv2d_bias_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::conv2d: the bias must have one value per output channel (axis 3)");
};

namespace kernels {
/// A convolution by itself.
struct convolution {};
/// A convolution with scale, shift, residual or ReLU in its epilogue.
struct convolution_epilogue {};
}  // namespace kernels

namespace detail {

template <class S, class W, int Stride, int Padding, int Dilation>
using conv2d_shape = shape<extent_of<S, 0>, windowed(extent_of<S, 1>, extent_of<W, 0>, Stride, Padding, Dilation),
                           windowed(extent_of<S, 2>, extent_of<W, 1>, Stride, Padding, Dilation), extent_of<W, 3>>;

// Whether the result has a shape, right or wrong; where not, the op ends with its check.
template <class S, int Stride, int Padding, int Dilation, int Groups>
inline constexpr bool conv2d_has_shape = S::rank == 4 && Stride >= 1 && Dilation >= 1 && Padding >= 0 && Groups >= 1;

template <class S, class W, int Stride, int Padding, int Dilation, int Groups>
constexpr void check_conv2d() {
  verify(check_of<conv2d_stride_mismatch<found<Stride>, expected<at_least(Stride, 1)>, axis<1>>>);
  verify(check_of<conv2d_dilation_mismatch<found<Dilation>, expected<at_least(Dilation, 1)>, axis<1>>>);
  verify(check_of<conv2d_padding_mismatch<found<Padding>, expected<at_least(Padding, 0)>, axis<1>>>);
  verify(check_of<conv2d_groups_mismatch<found<Groups>, expected<at_least(Groups, 1)>, axis<3>>>);
  verify(check_of<conv2d_rank_mismatch<found<S::rank>, expected<4>, axis<0>>>);
  if constexpr (conv2d_has_shape<S, Stride, Padding, Dilation, Groups>) {
    verify(check_of<conv2d_channel_mismatch<found<extent_of<S, 3>>, expected<extent_of<W, 2> * Groups>, axis<3>>>);
    static_assert(extent_of<W, 0> != 0 && extent_of<W, 1> != 0 && extent_of<W, 2> != 0 && extent_of<W, 3> != 0,
                  "dcs::conv2d: a weight has no extent of 0");
    verify(check_of<conv2d_group_mismatch<found<extent_of<W, 3> % Groups>, expected<0>, axis<3>>>);
    static_assert(is_static(extent_of<W, 0>) && is_static(extent_of<W, 1>), "dcs::conv2d: height and width of the weight (axes 0 and 1) are static");
    static_assert(windowed_fits(extent_of<S, 1>, extent_of<W, 0>, Stride, Padding, Dilation) &&
                      windowed_fits(extent_of<S, 2>, extent_of<W, 1>, Stride, Padding, Dilation),
                  "dcs::conv2d: a chain of windows over a named extent is beyond what its type can say: as<shape<...>> gives it a new name");
  }
}

[[gnu::noinline]] inline cpu::conv2d_geometry conv2d_geometry_of(const sizes<4>& x, const sizes<4>& w, extent_t stride, extent_t padding,
                                                                 extent_t dilation, extent_t groups) {
  const extent_t h = windowed(x[1], w[0], stride, padding, dilation), v = windowed(x[2], w[1], stride, padding, dilation);
  expect(x[1] >= 1 && x[2] >= 1 && h >= 1 && v >= 1, "dcs::conv2d: an image of ", x[1], " × ", x[2], " is smaller than the ", w[0], " × ", w[1],
         " kernel");
  (void)checked_product("dcs::conv2d", {x[0], h, v, w[0], w[1], w[2], w[3]});  // the multiply-adds
  return {x[0], x[1], x[2], x[3], h, v, w[3], w[0], w[1], stride, padding, dilation, groups};
}

}  // namespace detail

/// Whether conv2d accepts an input of shape S with weights of shape W.
template <class S, class W, int Groups = 1>
concept convolvable = S::rank == 4 && W::rank == 4 && extent_of<S, 3> == extent_of<W, 2>* Groups&& extent_of<W, 3> % Groups == 0;

/// The node of conv2d over evaluated operands. `evaluate` runs it alone; fused.hpp runs it with an epilogue.
template <int Stride, int Padding, int Dilation, int Groups, class X, class W>
class conv2d_node : public lazy<lift_t<detail::conv2d_shape<shape_t<X>, shape_t<W>, Stride, Padding, Dilation>, X, W>> {
 public:
  using base = lazy<lift_t<detail::conv2d_shape<shape_t<X>, shape_t<W>, Stride, Padding, Dilation>, X, W>>;
  using typename base::result_type;
  using typename base::shape_type;
  using typename base::value_type;
  using kernel = kernels::convolution;

  conv2d_node(X&& x, W&& w) : x_(std::move(x)), w_(std::move(w)) {
    detail::expect_same_names("dcs::conv2d", x_, w_);
    geometry();
  }

  const X& input() const { return x_; }
  const W& weight() const { return w_; }

  cpu::conv2d_geometry geometry() const { return detail::conv2d_geometry_of(x_.sizes(), w_.sizes(), Stride, Padding, Dilation, Groups); }
  sizes<4> output_sizes() const {
    const auto g = geometry();
    return {g.batch, g.out_h, g.out_w, g.out_c};
  }

  result_type evaluate() const;

 private:
  X x_;
  W w_;
};

/// y[n, i, j, o] = Σ x[n, i·Stride + h·Dilation − Padding, …, c] · w[h, v, c, o], zeros outside the image.
/// x: shape<N, H, W, In>; w: shape<K, K, In / Groups, Out>. Lazy.
/// PyTorch: torch.nn.functional.conv2d
template <int Stride = 1, int Padding = 0, int Dilation = 1, int Groups = 1, operand X, operand W>
constexpr auto conv2d(const X& x, const W& w) {
  using S = shape_t<X>;
  detail::check_conv2d<S, shape_t<W>, Stride, Padding, Dilation, Groups>();
  if constexpr (!detail::conv2d_has_shape<S, Stride, Padding, Dilation, Groups>) {
    return typename lift_t<shape<extent_or_one<S, 0>(), extent_or_one<S, 1>(), extent_or_one<S, 2>(), extent_of<shape_t<W>, 3>>, X, W>::self();
  } else if constexpr (any_probe_v<X, W>) {
    using Out = detail::conv2d_shape<S, shape_t<W>, Stride, Padding, Dilation>;
    const auto in = eval(x);
    const extent_t n = Out::size() * extent_of<shape_t<W>, 0> * extent_of<shape_t<W>, 1> * extent_of<shape_t<W>, 2>;
    note_work<Out>(nullptr, Out::extents, work{n, n}, in);
    return probe_result<Out>(in);
  } else {
    return conv2d_node<Stride, Padding, Dilation, Groups, typename result_t<X>::self, typename result_t<W>::self>(eval(x), eval(w));
  }
}

/// The same with a bias of shape<Out>: the expression conv2d(x, w) + b.
template <int Stride = 1, int Padding = 0, int Dilation = 1, int Groups = 1, operand X, operand W, operand B>
constexpr auto conv2d(const X& x, const W& w, const B& b) {
  verify(check_of<conv2d_bias_mismatch<found<extent_of<shape_t<B>, -1>>, expected<extent_of<shape_t<W>, 3>>, axis<3>>>);
  if constexpr (extent_of<shape_t<B>, -1> != extent_of<shape_t<W>, 3>)
    return conv2d<Stride, Padding, Dilation, Groups>(x, w);
  else
    return conv2d<Stride, Padding, Dilation, Groups>(x, w) + b;
}
DCS_REFUSE_OTHERS(conv2d)

}  // namespace dcs

#include <dcs/ops/conv2d/fused.hpp>

#include <dcs/core/header_end.inl>
