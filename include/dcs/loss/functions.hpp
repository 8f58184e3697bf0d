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

#include <dcs/core/header_end.inl>
