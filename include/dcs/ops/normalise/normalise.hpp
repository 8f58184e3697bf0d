// Values that are standardised along axes, the core of the norms that are not over the batch: group, instance and RMS norm, weight standardisation.
// The kernels are those of pointwise chains and of sums, so that it runs wherever they do; its gradient is one step, which keeps the result and the
// inverse deviations alone.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/ops/cast/cast.hpp>
#include <dcs/ops/reduce/reduce.hpp>

DCS_EXACT_MATH
namespace dcs {

namespace detail {

// x, centred or not, over the root of its mean square along the axes. Elements of 16 bits are computed with as float.
template <bool Centred, int... Axes, class X>
constexpr auto normalise_along(const X& x_, double eps) {
  using S = shape_t<X>;
  if constexpr (any_probe_v<X>) {
    return probe_result<S>(eval(x_));
  } else {
    using T = value_t<X>;
    using D = device_t<X>;
    using C = compute_type<T>;
    const auto x = eval(x_);
    const auto v = cast<C>(value(x));
    const auto centred = [&] {
      if constexpr (Centred)
        return eval(v - mean<Axes...>(v));
      else
        return v;
    }();
    const auto inverse = eval(1 / sqrt(mean<Axes...>(square(centred)) + eps));
    const auto y = eval(centred * inverse);
    return record(
        tensor<T, S, D>(cast<T>(y)),
        [y, inverse, gx = sink_of(x)](const tensor<T, S, D>& gradient) {
          const auto dy = cast<C>(gradient);
          const auto along = mean<Axes...>(dy * y);
          if constexpr (Centred)
            gx.add(cast<T>(eval((dy - mean<Axes...>(dy) - y * along) * inverse)));
          else
            gx.add(cast<T>(eval((dy - y * along) * inverse)));
        },
        x);
  }
}

}  // namespace detail

/// (x − mean) / sqrt(variance + eps), mean and biased variance along the axes, which must not be empty. Of a convolution's weight of shape<K, K, In,
/// Out>, normalise<0, 1, 2> is weight standardisation (Qiao et al. 2019).
template <int... Axes, operand X>
constexpr auto normalise(const X& x, double eps = 1e-5) {
  return detail::normalise_along<true, Axes...>(x, eps);
}

template <class Found, class Expected, class Axis>
struct rms_norm_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::rms_norm: gamma must have the extent of the input's last axis");
};

/// x / sqrt(mean of x² + eps) · gamma over the last axis (Zhang & Sennrich 2019). x: shape<..., C>; gamma: shape<C>.
/// PyTorch's eps is by default the type's epsilon.
///
/// PyTorch: torch.nn.functional.rms_norm
template <operand X, operand G>
constexpr auto rms_norm(const X& x, const G& gamma, double eps = 1e-5) {
  using S = shape_t<X>;
  using P = shape_t<G>;
  static_assert(P::rank == 1, "dcs::rms_norm: gamma has one axis");
  verify(check_of<rms_norm_mismatch<found<extent_of<P, 0>>, expected<extent_of<S, -1>>, axis<S::rank - 1>>>);
  if constexpr (P::rank == 1 && extent_of<P, 0> == extent_of<S, -1>)
    return detail::normalise_along<false, S::rank - 1>(x, eps) * gamma;
  else
    return x;  // so that no other error follows
}

// The entry points that dcs::compiled contains (core/compiled.hpp).
#define DCS_NORMALISE_EXPRESSIONS(declare, T)                                                     \
  DCS_EXPRESSION(declare, T, 1 / sqrt(expr::map<T>() + 1))                                        \
  DCS_EXPRESSION(declare, T, (expr::map<T>() - expr::map<T>() * expr::map<T>()) * expr::map<T>()) \
  DCS_EXPRESSION(declare, T, (expr::map<T>() - expr::map<T>() - expr::map<T>() * expr::map<T>()) * expr::map<T>())
DCS_ENTRIES(DCS_NORMALISE_EXPRESSIONS)

}  // namespace dcs

#include <dcs/core/header_end.inl>
