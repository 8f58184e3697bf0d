// Resizing feature maps: a sparse linear map along each axis (geometry.hpp). The gradient is the transposed map, computed for each pixel of the
// input, so that no two threads write one element.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/expr/pointwise.hpp>
#include <dcs/ops/resize/cpu.hpp>

DCS_EXACT_MATH
namespace dcs {

/// Where the corner pixels of a bilinear resize lie: `aligned` maps corners to corners (PyTorch's align_corners), `half_pixel` pixel areas to areas.
enum class corners { aligned, half_pixel };

template <class Found, class Expected, class Axis>
struct resize_rank_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::resize: the input must have the four axes N,H,W,C; number of axes");
};
template <class Found, class Expected, class Axis>
struct resize_size_mismatch {
  static_assert(
      same_extent<Found, Expected>,
      "dcs::resize_bilinear: height and width are static and at least 1; for those of a map, try: resize_bilinear_like<corners::aligned>(x, other)");
};
template <class Found, class Expected, class Axis>
struct resize_factor_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::resize: the factor must be at least 1");
};
template <class Found, class Expected, class Axis>
struct resize_linear_rank_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::resize_linear: the input must have the three axes N,L,C; number of axes");
};
template <class Found, class Expected, class Axis>
struct resize_trilinear_rank_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::resize_trilinear: the input must have the five axes N,D,H,W,C; number of axes");
};
template <class Found, class Expected, class Axis>
struct resize_like_rank_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::resize: the map whose size is taken must have as many axes as the input; number of axes");
};
template <class Found, class Expected, class Axis>
struct resize_linear_size_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::resize_linear: the length is static and at least 1; resize_linear_like takes it from a map");
};
template <class Found, class Expected, class Axis>
struct resize_trilinear_size_mismatch {
  static_assert(same_extent<Found, Expected>,
                "dcs::resize_trilinear: depth, height and width are static and at least 1; resize_trilinear_like takes them from a map");
};

namespace detail {

template <class T, class D>
[[gnu::noinline]] untyped<T> run_resize(const untyped<T>& x, const sizes<4>& n, extent_t h, extent_t w, resampling how) {
  expect(n[1] >= 1 && n[2] >= 1 && h >= 1 && w >= 1, "dcs::resize: from ", n[1], " × ", n[2], " to ", h, " × ", w, "; expected at least 1 × 1");
  expect_inner("dcs::resize", n);
  if (n[1] == h && n[2] == w) return x;
  (void)checked_product("dcs::resize", {n[1], h}), (void)checked_product("dcs::resize", {n[2], w});  // pixel ⌊i · in / out⌋
  const resize_geometry g{n[0], n[1], n[2], h, w, n[3], how};
  storage y = allocate_elements<T, D>("dcs::resize", {n[0], h, w, n[3]});
  if (y.bytes() > 0) resize_forward(D{}, g, x.data(), static_cast<T*>(y.data()));
  return record_untyped<T>(std::move(y), {x.slot}, [g, n, x = untyped<T>{{}, x.slot}](const storage& dy) {
    storage dx = allocate_elements<T, D>("dcs::resize", {n[0], n[1], n[2], n[3]});
    if (dx.bytes() > 0) resize_backward(D{}, g, static_cast<const T*>(dy.data()), static_cast<T*>(dx.data()));
    x.template add<D>(std::move(dx));
  });
}

// The entry points that dcs::compiled contains (core/compiled.hpp).
#define DCS_RESIZE_CALL_ENTRIES(declare, T) \
  declare untyped<T> run_resize<T, cpu_device>(const untyped<T>&, const sizes<4>&, extent_t, extent_t, resampling);
DCS_MAP_ENTRIES(DCS_RESIZE_CALL_ENTRIES)

template <class Out, class X>
auto resized(const X& x, extent_t h, extent_t w, resampling how) {
  using R = lift_t<Out, X>;
  const auto n = x.sizes();
  untyped<value_t<X>> u;
  erase_into(u, x);
  return restore<R>(run_resize<value_t<X>, device_t<X>>(u, n, h, w, how), {n[0], h, w, n[3]});
}

template <resampling How, class Out, class X>
constexpr auto resize(const X& x, extent_t h, extent_t w) {
  verify(check_of<resize_rank_mismatch<found<shape_t<X>::rank>, expected<4>, axis<0>>>);
  if constexpr (any_probe_v<X>)
    return probe_result<Out>(eval(x));
  else
    return resized<Out>(eval(x), h, w, How);
}

template <corners C>
inline constexpr resampling resampling_of = C == corners::aligned ? resampling::aligned : resampling::half_pixel;
template <class X, extent H, extent W>
using resize_shape = shape<extent_of<shape_t<X>, 0>, H, W, extent_of<shape_t<X>, 3>>;

}  // namespace detail

/// Bilinear resize to H × W. x: shape<N, h, w, C>.
/// PyTorch: torch.nn.functional.interpolate(mode="bilinear")
template <corners C, extent H, extent W, operand X>
constexpr auto resize_bilinear(const X& x) {
  constexpr bool tall = H >= 1;  // the first that is wrong is named
  verify(check_of<resize_size_mismatch<found<(tall ? W : H)>, expected<at_least(tall ? W : H, 1)>, axis<(tall ? 2 : 1)>>>);
  return detail::resize<detail::resampling_of<C>, detail::resize_shape<X, H, W>>(x, static_cast<extent_t>(H), static_cast<extent_t>(W));
}
/// Bilinear resize to the height and width of another map, at compile time and at run time.
/// Runs: as resize_bilinear
template <corners C, operand X, operand Y>
constexpr auto resize_bilinear_like(const X& x, const Y& other) {
  const auto o = eval(other);
  return detail::resize<detail::resampling_of<C>, detail::resize_shape<X, extent_of<shape_t<Y>, 1>, extent_of<shape_t<Y>, 2>>>(x, o.sizes()[1],
                                                                                                                               o.sizes()[2]);
}

// Rows, shape<N, L, C>, and volumes, shape<N, D, H, W, C>, are resized by the same kernels: a volume's slices, then its depth, which is the height of
// an image of width 1 whose channels are a whole slice. Linear maps along different axes may follow each other, so the result is the trilinear one,
// and so is the gradient.
namespace detail {

/// x with the extents of its axes but the first and the last taken from Like.
template <class X, class Like>
struct resized_rule {
  static constexpr extent at(std::size_t i) { return i == 0 || i + 1 == static_cast<std::size_t>(X::rank) ? X::extents[i] : Like::extents[i]; }
};
template <class X, class Like>
using resized_like = typename make_shape<resized_rule<X, Like>, X::rank>::self;

// To sizes n, which are x's along the first and the last axis.
template <class Out, class X>
auto resized_to(const X& x, const sizes<Out::rank>& n, resampling how) {
  using T = value_t<X>;
  using D = device_t<X>;
  const auto& m = x.sizes();
  expect_inner("dcs::resize", m);
  untyped<T> u;
  erase_into(u, x);
  if constexpr (Out::rank == 3) {
    u = run_resize<T, D>(u, {m[0], m[1], 1, m[2]}, n[1], 1, how);
  } else {
    u = run_resize<T, D>(u, {m[0] * m[1], m[2], m[3], m[4]}, n[2], n[3], how);
    u = run_resize<T, D>(u, {m[0], m[1], 1, checked_product("dcs::resize", {n[2], n[3], n[4]})}, n[1], 1, how);
  }
  return restore<lift_t<Out, X>>(std::move(u), n);
}

template <resampling How, class Like, class X>
constexpr auto resize_axes(const X& x_, sizes<Like::rank> n) {
  using Out = resized_like<shape_t<X>, Like>;
  if constexpr (any_probe_v<X>) {
    return probe_result<Out>(eval(x_));
  } else {
    const auto x = eval(x_);
    n.front() = x.sizes().front(), n.back() = x.sizes().back();
    return resized_to<Out>(x, n, How);
  }
}

// S with every extent but the first and the last times Factor.
template <class S, extent_t Factor>
struct multiple_rule {
  static constexpr extent at(std::size_t i) {
    return i == 0 || i + 1 == static_cast<std::size_t>(S::rank) ? S::extents[i] : times(S::extents[i], Factor);
  }
  static constexpr bool fits() {
    for (std::size_t i = 0; i < S::extents.size(); ++i)
      if (!is_valid(at(i))) return false;
    return true;
  }
};
template <resampling How, extent_t Factor, class X>
constexpr auto resize_by(const X& x_) {
  using S = shape_t<X>;
  using rule = multiple_rule<S, Factor>;
  verify(check_of<resize_factor_mismatch<found<Factor>, expected<at_least(Factor, 1)>, axis<1>>>);
  static_assert(Factor < 1 || rule::fits(),
                "dcs::resize: the multiple of a named extent is beyond what its type can say: as<shape<...>> gives it a new name");
  using Out = typename make_shape<rule, S::rank>::self;
  const auto x = eval(x_);
  auto n = x.sizes();
  for (std::size_t i = 1; i + 1 < n.size(); ++i) n[i] = product_or_none(std::array{n[i], Factor}.data(), 2);
  if constexpr (S::rank == 3 || S::rank == 5)
    return resize_axes<How, Out>(x, n);
  else
    return resize<How, Out>(x, n[1], n[2]);
}

}  // namespace detail

/// Linear resize of rows to length L. x: shape<N, l, C>.
/// PyTorch: torch.nn.functional.interpolate(mode="linear")
template <corners C, extent L, operand X>
constexpr auto resize_linear(const X& x) {
  verify(check_of<resize_linear_rank_mismatch<found<shape_t<X>::rank>, expected<3>, axis<0>>>);
  verify(check_of<resize_linear_size_mismatch<found<L>, expected<at_least(L, 1)>, axis<1>>>);
  return detail::resize_axes<detail::resampling_of<C>, shape<1, L, 1>>(x, {1, static_cast<extent_t>(L), 1});
}
/// Linear resize of rows to the length of another map, at compile time and at run time.
template <corners C, operand X, operand Y>
constexpr auto resize_linear_like(const X& x, const Y& other) {
  verify(check_of<resize_linear_rank_mismatch<found<shape_t<X>::rank>, expected<3>, axis<0>>>);
  verify(check_of<resize_like_rank_mismatch<found<shape_t<Y>::rank>, expected<3>, axis<0>>>);
  return detail::resize_axes<detail::resampling_of<C>, shape_t<Y>>(x, eval(other).sizes());
}
/// Trilinear resize of volumes to D × H × W. x: shape<N, d, h, w, C>.
/// PyTorch: torch.nn.functional.interpolate(mode="trilinear")
template <corners C, extent D, extent H, extent W, operand X>
constexpr auto resize_trilinear(const X& x) {
  verify(check_of<resize_trilinear_rank_mismatch<found<shape_t<X>::rank>, expected<5>, axis<0>>>);
  verify(check_of<resize_trilinear_size_mismatch<found<D>, expected<at_least(D, 1)>, axis<1>>>);
  verify(check_of<resize_trilinear_size_mismatch<found<H>, expected<at_least(H, 1)>, axis<2>>>);
  verify(check_of<resize_trilinear_size_mismatch<found<W>, expected<at_least(W, 1)>, axis<3>>>);
  return detail::resize_axes<detail::resampling_of<C>, shape<1, D, H, W, 1>>(
      x, {1, static_cast<extent_t>(D), static_cast<extent_t>(H), static_cast<extent_t>(W), 1});
}
/// Trilinear resize of volumes to the depth, height and width of another map, at compile time and at run time.
template <corners C, operand X, operand Y>
constexpr auto resize_trilinear_like(const X& x, const Y& other) {
  verify(check_of<resize_trilinear_rank_mismatch<found<shape_t<X>::rank>, expected<5>, axis<0>>>);
  verify(check_of<resize_like_rank_mismatch<found<shape_t<Y>::rank>, expected<5>, axis<0>>>);
  return detail::resize_axes<detail::resampling_of<C>, shape_t<Y>>(x, eval(other).sizes());
}
/// Nearest-neighbour resize (element ⌊i · in / out⌋ along each axis) of images, rows or volumes to the size of another map, of as many axes.
/// PyTorch: torch.nn.functional.interpolate(mode="nearest")
template <operand X, operand Y>
constexpr auto resize_nearest_like(const X& x, const Y& other) {
  using S = shape_t<X>;
  if constexpr (S::rank == 3 || S::rank == 5) {
    verify(check_of<resize_like_rank_mismatch<found<shape_t<Y>::rank>, expected<S::rank>, axis<0>>>);
    return detail::resize_axes<resampling::nearest, shape_t<Y>>(x, eval(other).sizes());
  } else {
    const auto o = eval(other);
    return detail::resize<resampling::nearest, detail::resize_shape<X, extent_of<shape_t<Y>, 1>, extent_of<shape_t<Y>, 2>>>(x, o.sizes()[1],
                                                                                                                            o.sizes()[2]);
  }
}

/// Bilinear resize to Factor times the height and width; of a named height the result says height*2.
/// PyTorch: torch.nn.functional.interpolate(scale_factor=Factor, mode="bilinear")
template <corners C, extent_t Factor, operand X>
constexpr auto resize_bilinear_by(const X& x) {
  verify(check_of<resize_rank_mismatch<found<shape_t<X>::rank>, expected<4>, axis<0>>>);
  return detail::resize_by<detail::resampling_of<C>, Factor>(x);
}
/// Linear resize of rows to Factor times the length; of a named length the result says length*2.
/// PyTorch: torch.nn.functional.interpolate(scale_factor=Factor, mode="linear")
template <corners C, extent_t Factor, operand X>
constexpr auto resize_linear_by(const X& x) {
  verify(check_of<resize_linear_rank_mismatch<found<shape_t<X>::rank>, expected<3>, axis<0>>>);
  return detail::resize_by<detail::resampling_of<C>, Factor>(x);
}
/// Trilinear resize of volumes to Factor times the depth, height and width; of a named depth the result says depth*2.
/// PyTorch: torch.nn.functional.interpolate(scale_factor=Factor, mode="trilinear")
template <corners C, extent_t Factor, operand X>
constexpr auto resize_trilinear_by(const X& x) {
  verify(check_of<resize_trilinear_rank_mismatch<found<shape_t<X>::rank>, expected<5>, axis<0>>>);
  return detail::resize_by<detail::resampling_of<C>, Factor>(x);
}
/// Nearest-neighbour resize of images, rows or volumes to Factor times every axis between the batch and the channels: an element becomes Factor of
/// them along each.
/// PyTorch: torch.nn.functional.interpolate(scale_factor=Factor, mode="nearest")
template <extent_t Factor, operand X>
constexpr auto resize_nearest_by(const X& x) {
  return detail::resize_by<resampling::nearest, Factor>(x);
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
