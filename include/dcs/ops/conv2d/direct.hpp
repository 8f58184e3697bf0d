// The kernels that compute a convolution as it is defined, for every instruction set: as a matrix product whose left side is gathered (patches.inl),
// and over channels where it is depthwise (depthwise.inl).
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/cpu/gemm.hpp>
#include <dcs/ops/conv2d/geometry.hpp>

DCS_EXACT_MATH
#define DCS_KERNELS <dcs/ops/conv2d/patches.inl>
#include <dcs/cpu/foreach_isa.inl>
#define DCS_KERNELS <dcs/ops/conv2d/depthwise.inl>
#include <dcs/cpu/foreach_isa.inl>

#include <dcs/core/header_end.inl>
