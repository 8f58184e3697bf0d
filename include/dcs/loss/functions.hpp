// Scalar functions of the losses, with their derivatives; they fuse like the built-in ones, on a GPU too.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/cuda/block.hpp>
#include <dcs/expr/pointwise.hpp>

DCS_EXACT_MATH
namespace dcs::functions {

/// log(1 + e^x), without overflow.
struct softplus {
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

DCS_DEFINE_EXTENT_CHECK(loss_target_mismatch,
                        "dcs::loss: predictions and target must have the same shape; an axis differs, or the number of axes (axis 0)");

namespace detail {
template <class X, class Target, int... I>
constexpr void check_axes(std::integer_sequence<int, I...>) {
  ((void)loss_target_mismatch<found<extent_of<Target, I>>, expected<extent_of<X, I>>, axis<I>>{}, ...);
}
}  // namespace detail

/// A target has the shape of the predictions X: a loss does not broadcast, as an axis that was left out would be compared with every other.
template <operand X, operand Target>
constexpr void check_target() {
  using S = shape_t<X>;
  using G = shape_t<Target>;
  if constexpr (S::rank == G::rank)
    detail::check_axes<S, G>(std::make_integer_sequence<int, S::rank>{});
  else
    (void)loss_target_mismatch<found<G::rank>, expected<S::rank>, axis<0>>{};
}

}  // namespace dcs::loss

#include <dcs/core/header_end.inl>
