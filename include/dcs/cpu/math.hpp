// Elementary functions on vectors, for every instruction set.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/cpu/simd.hpp>

#include <cmath>
#include <cstdint>
#include <type_traits>

DCS_EXACT_MATH
#define DCS_KERNELS <dcs/cpu/math.inl>
#define DCS_KERNELS_IN_EVERY_UNIT
#include <dcs/cpu/foreach_isa.inl>

#include <dcs/core/header_end.inl>
