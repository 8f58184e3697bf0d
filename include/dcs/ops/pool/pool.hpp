// Pooling over square windows of images, of rows and of volumes. The maximum stores the index of the tap that it came from (the first of equals, as
// in PyTorch), and the gradient is computed for each pixel of the input, so that no two threads write one element. Padding is never a maximum and not
// counted in an average. A NaN is the maximum of its window, the last of several.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/expr/pointwise.hpp>
#include <dcs/ops/pool/cpu.hpp>
#include <dcs/ops/reduce/reduce.hpp>

DCS_EXACT_MATH
namespace dcs {

template <class Found, class Expected, class Axis>
struct pool_rank_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::pool: the input must have the four axes N,H,W,C; number of axes");
};
template <class Found, class Expected, class Axis>
struct pool_padding_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::pool: padding must be at most half the window");
};
template <class Found, class Expected, class Axis>
struct pool1d_rank_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::max_pool1d, dcs::avg_pool1d: the input must have the three axes N,L,C; number of axes");
};
template <class Found, class Expected, class Axis>
struct pool3d_rank_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::max_pool3d, dcs::avg_pool3d: the input must have the five axes N,D,H,W,C; number of axes");
};

namespace detail {

template <class S, int K, int Stride, int Padding>
using pool_shape =
    shape<extent_of<S, 0>, windowed(extent_of<S, 1>, K, Stride, Padding), windowed(extent_of<S, 2>, K, Stride, Padding), extent_of<S, 3>>;

template <class S, int K, int Stride, int Padding>
constexpr void check_pool() {
  verify(check_of<pool_rank_mismatch<found<S::rank>, expected<4>, axis<0>>>);
  static_assert(K >= 1 && Stride >= 1 && Padding >= 0, "dcs::pool: window and stride are at least 1, padding at least 0");
  verify(check_of<pool_padding_mismatch<found<Padding>, expected<at_most(Padding, K / 2)>, axis<1>>>);
  static_assert(windowed_fits(extent_of<S, 1>, K, Stride, Padding, 1) && windowed_fits(extent_of<S, 2>, K, Stride, Padding, 1),
                "dcs::pool: a chain of windows over a named extent is beyond what its type can say: as<shape<...>> gives it a new name");
}

inline cpu::conv2d_geometry pool_geometry(const sizes<4>& n, extent_t k, extent_t stride, extent_t padding) {
  const cpu::conv2d_geometry g{n[0],   n[1],    n[2], n[3], windowed(n[1], k, stride, padding), windowed(n[2], k, stride, padding), n[3], k, k,
                               stride, padding, 1,    1};
  expect_inner("dcs::pool", n);
  expect(g.out_h >= 1 && g.out_w >= 1, "dcs::pool: an image of ", n[1], " × ", n[2], " is smaller than the ", k, " × ", k, " window");
  return g;
}

// One pass of a maximum over windows: x, in memory that of a batch of images, becomes a map of shape Out and sizes n.
template <class Out, class X>
auto max_pass(const X& x, const cpu::conv2d_geometry& g, const sizes<Out::rank>& n) {
  using S = shape_t<X>;
  using T = value_t<X>;
  using D = device_t<X>;
  auto y = tensor_of<Out, X>::empty(n);
  auto winner = tensor<T, Out, D>::empty(n);
  if (y.size() > 0) max_pool_forward(D{}, g, value(x).data(), y.data(), winner.data());
  return record(
      std::move(y),
      [g, winner, sizes_of_x = x.sizes(), gx = sink_of(x)](const tensor<T, Out, D>& dy) {
        auto dx = tensor<T, S, D>::empty(sizes_of_x);
        if (dx.size() > 0) max_pool_backward(D{}, g, dy.data(), winner.data(), dx.data());
        gx.add(std::move(dx));
      },
      x);
}
// The same of an average.
template <class Out, class X>
auto avg_pass(const X& x, const cpu::conv2d_geometry& g, const sizes<Out::rank>& n) {
  using S = shape_t<X>;
  using T = value_t<X>;
  using D = device_t<X>;
  auto y = tensor_of<Out, X>::empty(n);
  if (y.size() > 0) avg_pool_forward(D{}, g, value(x).data(), y.data());
  return record(
      std::move(y),
      [g, sizes_of_x = x.sizes(), gx = sink_of(x)](const tensor<T, Out, D>& dy) {
        auto dx = tensor<T, S, D>::empty(sizes_of_x);
        if (dx.size() > 0) avg_pool_backward(D{}, g, dy.data(), dx.data());
        gx.add(std::move(dx));
      },
      x);
}

}  // namespace detail

/// Maximum over K × K windows. x: shape<N, H, W, C>.
/// PyTorch: torch.nn.functional.max_pool2d
template <int K, int Stride = K, int Padding = 0, operand X>
constexpr auto max_pool2d(const X& x_) {
  using S = shape_t<X>;
  detail::check_pool<S, K, Stride, Padding>();
  using Out = detail::pool_shape<S, K, Stride, Padding>;
  if constexpr (any_probe_v<X>) {
    return probe_result<Out>(eval(x_));
  } else {
    static_assert(sizeof(value_t<X>) > 2 || K <= 16,
                  "dcs::max_pool2d: the number of a tap, kept in an element, is exact up to 16 x 16 taps in 16 bits");
    const auto x = eval(x_);
    const auto g = detail::pool_geometry(x.sizes(), K, Stride, Padding);
    return detail::max_pass<Out>(x, g, {g.batch, g.out_h, g.out_w, g.in_c});
  }
}

/// Average over K × K windows, of the pixels inside the image. x: shape<N, H, W, C>.
/// PyTorch: torch.nn.functional.avg_pool2d(count_include_pad=False)
template <int K, int Stride = K, int Padding = 0, operand X>
constexpr auto avg_pool2d(const X& x_) {
  using S = shape_t<X>;
  detail::check_pool<S, K, Stride, Padding>();
  using Out = detail::pool_shape<S, K, Stride, Padding>;
  if constexpr (any_probe_v<X>) {
    return probe_result<Out>(eval(x_));
  } else {
    const auto x = eval(x_);
    const auto g = detail::pool_geometry(x.sizes(), K, Stride, Padding);
    return detail::avg_pass<Out>(x, g, {g.batch, g.out_h, g.out_w, g.in_c});
  }
}

// Rows, shape<N, L, C>, and volumes, shape<N, D, H, W, C>, are pooled by the same kernels. A volume is pooled in its slices, then along depth: the
// maximum over a box is the maximum of the slices' maxima, and as each pass takes the first of equals, so does the whole, in the order depth, height,
// width; the average over a box is the average of the slices' averages, whose counts are equal. Along one axis, the map is an image of width 1 whose
// channels are all that lies behind that axis. Padding is the same on both axes of the kernels, so windows are 2 · Padding + 1 wide: width 1 remains.
namespace detail {

template <class S, int Axis, int K, int Stride, int Padding>
using pool_axis = with_extent<S, Axis, windowed(extent_of<S, Axis>, K, Stride, Padding)>;
/// Height and width pooled, and depth too.
template <class S, int K, int Stride, int Padding>
using pool_slices = typename pool_axis<pool_axis<S, 2, K, Stride, Padding>, 3, K, Stride, Padding>::self;
template <class S, int K, int Stride, int Padding>
using pool_volume = typename pool_axis<pool_slices<S, K, Stride, Padding>, 1, K, Stride, Padding>::self;

template <class S, int K, int Stride, int Padding>
constexpr void check_pool_axes() {
  static_assert(K >= 1 && Stride >= 1 && Padding >= 0, "dcs::pool: window and stride are at least 1, padding at least 0");
  verify(check_of<pool_padding_mismatch<found<Padding>, expected<at_most(Padding, K / 2)>, axis<1>>>);
  constexpr bool fits = [] {
    for (std::size_t i = 1; i + 1 < static_cast<std::size_t>(S::rank); ++i)
      if (!windowed_fits(S::extents[i], K, Stride, Padding, 1)) return false;
    return true;
  }();
  static_assert(fits, "dcs::pool: a chain of windows over a named extent is beyond what its type can say: as<shape<...>> gives it a new name");
}

/// Windows along the middle axis of n: outer, axis, inner.
inline cpu::conv2d_geometry pool_axis_geometry(const sizes<3>& n, extent_t k, extent_t stride, extent_t padding) {
  const extent_t out = windowed(n[1], k, stride, padding);
  expect(out >= 1, "dcs::pool: an axis of ", n[1], " is smaller than the window of ", k);
  return {n[0], n[1], 1, n[2], out, 1, n[2], k, 2 * padding + 1, stride, padding, 1, 1};
}

struct max_passes {
  template <class T, int K>
  static constexpr void check() {
    static_assert(sizeof(T) > 2 || K <= 15,
                  "dcs::max_pool1d, dcs::max_pool3d: the number of a tap, kept in an element, is exact up to a window of 15 in 16 bits");
  }
  template <class Out, class X>
  static auto pass(const X& x, const cpu::conv2d_geometry& g, const sizes<Out::rank>& n) {
    return max_pass<Out>(x, g, n);
  }
};
struct avg_passes {
  template <class T, int K>
  static constexpr void check() {}
  template <class Out, class X>
  static auto pass(const X& x, const cpu::conv2d_geometry& g, const sizes<Out::rank>& n) {
    return avg_pass<Out>(x, g, n);
  }
};

template <class Passes, int K, int Stride, int Padding, class X>
constexpr auto pool1d(const X& x_) {
  using S = shape_t<X>;
  verify(check_of<pool1d_rank_mismatch<found<S::rank>, expected<3>, axis<0>>>);
  check_pool_axes<S, K, Stride, Padding>();
  using Out = typename pool_axis<S, 1, K, Stride, Padding>::self;
  if constexpr (any_probe_v<X>) {
    return probe_result<Out>(eval(x_));
  } else {
    Passes::template check<value_t<X>, K>();
    const auto x = eval(x_);
    expect_inner("dcs::pool", x.sizes());
    const auto g = pool_axis_geometry(x.sizes(), K, Stride, Padding);
    return Passes::template pass<Out>(x, g, {g.batch, g.out_h, g.in_c});
  }
}

template <class Passes, int K, int Stride, int Padding, class X>
constexpr auto pool3d(const X& x_) {
  using S = shape_t<X>;
  verify(check_of<pool3d_rank_mismatch<found<S::rank>, expected<5>, axis<0>>>);
  check_pool_axes<S, K, Stride, Padding>();
  using Out = pool_volume<S, K, Stride, Padding>;
  if constexpr (any_probe_v<X>) {
    return probe_result<Out>(eval(x_));
  } else {
    Passes::template check<value_t<X>, K>();
    const auto x = eval(x_);
    const auto& n = x.sizes();
    expect_inner("dcs::pool", n);
    const auto slices = pool_geometry({n[0] * n[1], n[2], n[3], n[4]}, K, Stride, Padding);
    const auto depth = pool_axis_geometry({n[0], n[1], slices.out_h * slices.out_w * n[4]}, K, Stride, Padding);
    const auto y = Passes::template pass<pool_slices<S, K, Stride, Padding>>(x, slices, {n[0], n[1], slices.out_h, slices.out_w, n[4]});
    return Passes::template pass<Out>(y, depth, {n[0], depth.out_h, slices.out_h, slices.out_w, n[4]});
  }
}

}  // namespace detail

/// Maximum over windows of K. x: shape<N, L, C>. Of equal values the first has the gradient; padding is never a maximum.
/// PyTorch: torch.nn.functional.max_pool1d
template <int K, int Stride = K, int Padding = 0, operand X>
constexpr auto max_pool1d(const X& x) {
  return detail::pool1d<detail::max_passes, K, Stride, Padding>(x);
}
/// Average over windows of K, of the elements inside x (PyTorch's count_include_pad=False). x: shape<N, L, C>.
/// PyTorch: torch.nn.functional.avg_pool1d(count_include_pad=False)
template <int K, int Stride = K, int Padding = 0, operand X>
constexpr auto avg_pool1d(const X& x) {
  return detail::pool1d<detail::avg_passes, K, Stride, Padding>(x);
}
/// Maximum over K × K × K windows. x: shape<N, D, H, W, C>. Of equal values the first in the order of memory has the gradient; padding is never a
/// maximum.
/// PyTorch: torch.nn.functional.max_pool3d
template <int K, int Stride = K, int Padding = 0, operand X>
constexpr auto max_pool3d(const X& x) {
  return detail::pool3d<detail::max_passes, K, Stride, Padding>(x);
}
/// Average over K × K × K windows, of the voxels inside x (PyTorch's count_include_pad=False). x: shape<N, D, H, W, C>.
/// PyTorch: torch.nn.functional.avg_pool3d(count_include_pad=False)
template <int K, int Stride = K, int Padding = 0, operand X>
constexpr auto avg_pool3d(const X& x) {
  return detail::pool3d<detail::avg_passes, K, Stride, Padding>(x);
}

namespace detail {
template <class X, int... I>
constexpr auto mean_between(const X& x, std::integer_sequence<int, I...>) {
  return mean<(I + 1)...>(x);
}
}  // namespace detail

/// Mean over the axes between the first and the last: shape<N, 1, 1, C> of images, shape<N, 1, C> of rows, shape<N, 1, 1, 1, C> of volumes.
/// PyTorch: torch.nn.functional.adaptive_avg_pool2d(1)
template <operand X>
constexpr auto global_avg_pool(const X& x_) {
  using S = shape_t<X>;
  verify(check_of<pool_rank_mismatch<found<S::rank>, expected<S::rank == 3 || S::rank == 5 ? S::rank : 4>, axis<0>>>);
  const auto x = eval(x_);
  auto n = x.sizes();
  extent_t operations = 1;
  for (std::size_t i = 1; i + 1 < n.size(); ++i) operations *= n[i], n[i] = 1;
  const auto y = detail::mean_between(x, std::make_integer_sequence<int, S::rank - 2>{});
  note_work<shape_t<decltype(y)>>(nullptr, n, work{0, n.front() * n.back() * (operations + 1)}, x);
  return y;
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
