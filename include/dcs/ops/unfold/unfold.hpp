// unfold: the windows along one axis laid beside each other in the channels, so that an op over rows computes what slides along that axis. Three-
// dimensional convolutions gather their windows along depth with these kernels (ops/conv3d), and leave height and width to the 2-D kernels.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/expr/pointwise.hpp>
#include <dcs/ops/unfold/cpu.hpp>

DCS_EXACT_MATH
namespace dcs {

template <class Found, class Expected, class Axis>
struct unfold_axis_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::unfold: windows slide along an axis between the first and the last; axis");
};
template <class Found, class Expected, class Axis>
struct unfold_kernel_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::unfold: the kernel must have at least 1 tap");
};
template <class Found, class Expected, class Axis>
struct unfold_stride_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::unfold: the stride must be at least 1");
};
template <class Found, class Expected, class Axis>
struct unfold_dilation_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::unfold: the dilation must be at least 1");
};
template <class Found, class Expected, class Axis>
struct unfold_padding_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::unfold: the padding must not be negative");
};

namespace detail {

template <class S, int Axis, int Kernel, int Stride, int Padding, int Dilation>
constexpr void check_unfold() {
  verify(check_of<unfold_axis_mismatch<found<Axis>, expected<at_least(at_most(Axis, S::rank - 2), 1)>, axis<Axis>>>);
  verify(check_of<unfold_kernel_mismatch<found<Kernel>, expected<at_least(Kernel, 1)>, axis<Axis>>>);
  verify(check_of<unfold_stride_mismatch<found<Stride>, expected<at_least(Stride, 1)>, axis<Axis>>>);
  verify(check_of<unfold_dilation_mismatch<found<Dilation>, expected<at_least(Dilation, 1)>, axis<Axis>>>);
  verify(check_of<unfold_padding_mismatch<found<Padding>, expected<at_least(Padding, 0)>, axis<Axis>>>);
  static_assert(is_static(extent_of<S, -1>), "dcs::unfold: the channels (the last axis) are static");
  static_assert(windowed_fits(extent_of<S, Axis>, Kernel, Stride, Padding, Dilation),
                "dcs::unfold: a chain of windows over a named extent is beyond what its type can say: as<shape<...>> gives it a new name");
}

template <std::size_t R>
unfold_geometry unfold_geometry_of(const std::array<extent_t, R>& n, std::size_t axis, extent_t kernel, extent_t stride, extent_t padding,
                                   extent_t dilation) {
  expect_inner("dcs::unfold", n);
  const extent_t out = windowed(n[axis], kernel, stride, padding, dilation);
  expect(out >= 1, "dcs::unfold: an axis of ", n[axis], " is shorter than the window of ", kernel, " taps");
  const unfold_geometry g{product(n, 0, axis), n[axis], out, product(n, axis + 1, R - 1), n[R - 1], kernel, stride, padding, dilation, extent_t{1}};
  (void)checked_product("dcs::unfold", {g.batch, g.out, g.inner, kernel, g.channels});
  return g;
}

}  // namespace detail

/// The taps of each window along an axis, beside each other in the last axis: y[..., o, ..., k · C + c] = x[..., o · Stride + k · Dilation − Padding,
/// ..., c], and 0 outside of x. x: shape<..., C>, C static; y has windowed() of the axis' extent, and Kernel · C channels. Axis is neither the first
/// nor the last. An error where the axis is shorter than a window.
/// PyTorch: torch.Tensor.unfold
template <int Axis, int Kernel, int Stride = 1, int Padding = 0, int Dilation = 1, operand X>
constexpr auto unfold(const X& x_) {
  using S = shape_t<X>;
  detail::check_unfold<S, Axis, Kernel, Stride, Padding, Dilation>();
  using Slid = with_extent<S, Axis, windowed(extent_of<S, Axis>, Kernel, Stride, Padding, Dilation)>;
  using Out = typename with_extent<Slid, S::rank - 1, Kernel * extent_of<S, -1>>::self;
  if constexpr (any_probe_v<X>) {
    return probe_result<Out>(eval(x_));
  } else {
    using T = value_t<X>;
    using D = device_t<X>;
    const auto x = eval(x_);
    const auto g = detail::unfold_geometry_of(x.sizes(), Axis, Kernel, Stride, Padding, Dilation);
    auto n = x.sizes();
    n[Axis] = g.out, n[n.size() - 1] *= Kernel;
    auto y = tensor_of<Out, X>::empty(n);
    if (y.size() > 0) unfold(D{}, g, value(x).data(), y.data());
    return record(
        std::move(y),
        [g, n = x.sizes(), gx = sink_of(x)](const tensor<T, Out, D>& dy) {
          auto dx = tensor<T, S, D>::empty(n);
          if (dx.size() > 0) fold(D{}, g, dy.data(), static_cast<const T*>(nullptr), dx.data());
          gx.add(std::move(dx));
        },
        x);
  }
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
