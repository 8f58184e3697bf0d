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

DCS_DEFINE_EXTENT_CHECK(resize_factor_mismatch, "dcs::resize: the factor must be at least 1");

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
DCS_ENTRIES(DCS_RESIZE_CALL_ENTRIES)

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
  (void)resize_rank_mismatch<found<shape_t<X>::rank>, expected<4>, axis<0>>{};
  if constexpr (any_probe_v<X>)
    return probe_result<Out>(eval(x));
  else
    return resized<Out>(eval(x), h, w, How);
}

template <corners C>
inline constexpr resampling resampling_of = C == corners::aligned ? resampling::aligned : resampling::half_pixel;
template <class X, extent H, extent W>
using resize_shape = shape<extent_of<shape_t<X>, 0>, H, W, extent_of<shape_t<X>, 3>>;

template <resampling How, extent_t Factor, class X>
constexpr auto resize_by(const X& x_) {
  using S = shape_t<X>;
  (void)resize_rank_mismatch<found<S::rank>, expected<4>, axis<0>>{};
  (void)resize_factor_mismatch<found<Factor>, expected<at_least(Factor, 1)>, axis<1>>{};
  constexpr extent h = times(extent_of<S, 1>, Factor), w = times(extent_of<S, 2>, Factor);
  static_assert(is_valid(h) && is_valid(w),
                "dcs::resize: the multiple of a named extent is beyond what its type can say: as<shape<...>> gives it a new name");
  const auto x = eval(x_);
  const auto n = x.sizes();
  return resize<How, resize_shape<X, h, w>>(x, product_or_none(std::array{n[1], Factor}.data(), 2),
                                            product_or_none(std::array{n[2], Factor}.data(), 2));
}

}  // namespace detail

/// Bilinear resize to H × W. x: shape<N, h, w, C>.
/// PyTorch: torch.nn.functional.interpolate(mode="bilinear")
template <corners C, extent_t H, extent_t W, operand X>
constexpr auto resize_bilinear(const X& x) {
  constexpr bool tall = H >= 1;  // the first that is wrong is named
  (void)resize_size_mismatch<found<(tall ? W : H)>, expected<at_least(tall ? W : H, 1)>, axis<(tall ? 2 : 1)>>{};
  return detail::resize<detail::resampling_of<C>, detail::resize_shape<X, H, W>>(x, H, W);
}
/// Bilinear resize to the height and width of another map, at compile time and at run time.
/// Runs: as resize_bilinear
template <corners C, operand X, operand Y>
constexpr auto resize_bilinear_like(const X& x, const Y& other) {
  const auto o = eval(other);
  return detail::resize<detail::resampling_of<C>, detail::resize_shape<X, extent_of<shape_t<Y>, 1>, extent_of<shape_t<Y>, 2>>>(x, o.sizes()[1],
                                                                                                                               o.sizes()[2]);
}
/// Bilinear resize to Factor times the height and width; of a named height the result says height*2.
template <corners C, extent_t Factor, operand X>
constexpr auto resize_bilinear_by(const X& x) {
  return detail::resize_by<detail::resampling_of<C>, Factor>(x);
}
/// Nearest-neighbour resize to Factor times the height and width: every pixel becomes Factor × Factor.
template <extent_t Factor, operand X>
constexpr auto resize_nearest_by(const X& x) {
  return detail::resize_by<resampling::nearest, Factor>(x);
}
/// Nearest-neighbour resize (pixel ⌊i · in / out⌋) to the height and width of another map.
/// PyTorch: torch.nn.functional.interpolate(mode="nearest")
template <operand X, operand Y>
constexpr auto resize_nearest_like(const X& x, const Y& other) {
  const auto o = eval(other);
  return detail::resize<resampling::nearest, detail::resize_shape<X, extent_of<shape_t<Y>, 1>, extent_of<shape_t<Y>, 2>>>(x, o.sizes()[1],
                                                                                                                          o.sizes()[2]);
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
