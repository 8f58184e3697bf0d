// The running maximum and sum of a softmax, which its kernels share.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/cuda/rows.hpp>
#include <dcs/expr/scalar.hpp>

#include <limits>

DCS_EXACT_MATH
namespace dcs::cuda {

namespace detail {

// The running maximum and Σ exp(x − maximum). The initial maximum is finite, as with −∞ the first difference −∞ − (−∞) would be NaN.
template <class A>
struct softmax_state {
  A top = std::numeric_limits<A>::lowest(), sum = 0;

  DCS_DEVICE void add(A x) {
    const A next = x > top ? x : top;
    sum = sum * lane::exp(top - next) + lane::exp(x - next);
    top = next;
  }
  DCS_DEVICE void add(const softmax_state& other) {
    const A next = other.top > top ? other.top : top;
    sum = sum * lane::exp(top - next) + other.sum * lane::exp(other.top - next);
    top = next;
  }
};

}  // namespace detail

}  // namespace dcs::cuda

#include <dcs/core/header_end.inl>
