// Scalar functions of the losses, with their derivatives; they fuse like the built-in ones, on a GPU too.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/cuda/block.hpp>
#include <dcs/expr/activations.hpp>

DCS_EXACT_MATH
namespace dcs::functions {

/// softplus (expr/activations.hpp) by the C library's functions on every device: training on the host and by a GPU's kernels then differs by the
/// summation alone.
struct library_softplus {
  template <class T>
  DCS_DEVICE static T f(T x) {
    return x > T(0) ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x));
  }
  template <int, class T>
  DCS_DEVICE static T df(T, T x) {
    return x > T(0) ? T(1) / (T(1) + std::exp(-x)) : std::exp(x) / (T(1) + std::exp(x));
  }
};

/// Smooth L1 with β = 1 / Inverse (Girshick 2015): x² / 2β for |x| < β, else |x| − β / 2.
template <int Inverse>
struct smooth_l1 {
  template <class T>
  DCS_DEVICE static T f(T x) {
    const T a = x < T(0) ? -x : x;
    return a * T(Inverse) < T(1) ? a * a * T(Inverse) / T(2) : a - T(1) / T(2 * Inverse);
  }
  template <int, class T>
  DCS_DEVICE static T df(T, T x) {
    const T a = x < T(0) ? -x : x;
    return a * T(Inverse) < T(1) ? x * T(Inverse) : x < T(0) ? T(-1) : T(1);
  }
};

/// x where the mask is not 0, else 0 whatever x is, NaN included. f(mask, x); the mask has no gradient.
struct where {
  template <class T>
  DCS_DEVICE static T f(T mask, T x) {
    return mask != T(0) ? x : T(0);
  }
  template <int I, class T>
  DCS_DEVICE static T df(T, T mask, T) {
    return I == 1 && mask != T(0) ? T(1) : T(0);
  }
};

}  // namespace dcs::functions

namespace dcs::loss {

template <class Found, class Expected, class Axis>
struct loss_target_mismatch {
  static_assert(same_extent<Found, Expected>,
                "dcs::loss: predictions and target must have the same shape; an axis differs, or the number of axes (axis 0)");
};

namespace detail {
// The first axis whose extents differ, and 0 where none does.
template <class S, class G>
constexpr int differing_axis() {
  for (int i = 0; i < S::rank; ++i)
    if (S::extents[static_cast<std::size_t>(i)] != G::extents[static_cast<std::size_t>(i)]) return i;
  return 0;
}
}  // namespace detail

/// Whether a target has the shape of the predictions X.
template <class X, class Target>
inline constexpr bool target_fits = std::is_same_v<typename shape_t<X>::self, typename shape_t<Target>::self>;
/// An error where it has not: a loss does not broadcast, as an axis that was left out would be compared with every other.
template <operand X, operand Target>
constexpr void check_target() {
  using S = shape_t<X>;
  using G = shape_t<Target>;
  if constexpr (S::rank != G::rank) {
    verify(check_of<loss_target_mismatch<found<G::rank>, expected<S::rank>, axis<0>>>);
  } else if constexpr (S::rank > 0) {
    constexpr int at = detail::differing_axis<S, G>();
    verify(check_of<loss_target_mismatch<found<extent_of<G, at>>, expected<extent_of<S, at>>, axis<at>>>);
  }
}
/// What a loss returns where its target does not fit, so that no other error follows.
template <class X, class Target>
using no_loss = typename lift_t<shape<>, X, Target>::self;

}  // namespace dcs::loss

#include <dcs/core/header_end.inl>
