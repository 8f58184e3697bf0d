// Scalar functions of kernels, on the GPU and on the host: exp and log, and the pointwise functions of expressions with their derivatives. These are
// the functions of expr/functions.inl and expr/activations.inl, which the host uses on vectors, for a vector of one lane.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/cuda/block.hpp>
#include <dcs/expr/chain.hpp>

#include <cmath>

DCS_EXACT_MATH
namespace dcs::lane {

DCS_DEVICE inline float exp(float x) { return ::expf(x); }
DCS_DEVICE inline double exp(double x) { return ::exp(x); }
DCS_DEVICE inline float log(float x) { return ::logf(x); }
DCS_DEVICE inline double log(double x) { return ::log(x); }
DCS_DEVICE inline float square_root(float x) { return ::sqrtf(x); }
DCS_DEVICE inline double square_root(double x) { return ::sqrt(x); }
DCS_DEVICE inline float erf(float x) { return ::erff(x); }
DCS_DEVICE inline double erf(double x) { return ::erf(x); }
DCS_DEVICE inline float log1p(float x) { return ::log1pf(x); }
DCS_DEVICE inline double log1p(double x) { return ::log1p(x); }
DCS_DEVICE inline float power(float x, float p) { return ::powf(x, p); }
DCS_DEVICE inline double power(double x, double p) { return ::pow(x, p); }

}  // namespace dcs::lane

#define DCS_ISA lane
#define DCS_INLINE DCS_DEVICE inline
#include <dcs/expr/functions.inl>
// They use those before them.
#include <dcs/expr/activations.inl>
#include <dcs/expr/tree.inl>
#undef DCS_INLINE
#undef DCS_ISA

#include <dcs/core/header_end.inl>
