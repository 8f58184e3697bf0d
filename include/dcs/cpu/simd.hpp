// Vectors of the width of an instruction set, as compiler vector extensions: + - * / and comparisons work on vec<T> directly, and a * b + c becomes
// one fused multiply-add where there is one. This file adds what that notation lacks.
#pragma once

#include <dcs/core/header_begin.inl>

#include <cstdint>
#include <cstring>
#include <type_traits>

#include <dcs/core/dtype.hpp>
#include <dcs/cpu/isa.hpp>

DCS_EXACT_MATH
namespace dcs::cpu {

template <class T, int Bytes>
struct vector_of {
  typedef T type __attribute__((vector_size(Bytes)));
};

}  // namespace dcs::cpu

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpsabi"  // every function that takes a vector by value is always inlined: no ABI is involved
#endif

#define DCS_SIMD_INLINE __attribute__((always_inline)) DCS_TARGET inline

#define DCS_ISA portable
#define DCS_ISA_BYTES 16
#define DCS_TARGET
#include <dcs/cpu/simd.inl>
#undef DCS_ISA
#undef DCS_ISA_BYTES
#undef DCS_TARGET

#if DCS_X86
#define DCS_ISA avx2
#define DCS_ISA_BYTES 32
#define DCS_TARGET __attribute__((target("avx2,fma")))
#include <dcs/cpu/simd.inl>
#undef DCS_ISA
#undef DCS_ISA_BYTES
#undef DCS_TARGET

#define DCS_ISA avx512
#define DCS_ISA_BYTES 64
#define DCS_TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")))
#include <dcs/cpu/simd.inl>
#undef DCS_ISA
#undef DCS_ISA_BYTES
#undef DCS_TARGET
#endif

#undef DCS_SIMD_INLINE
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

#include <dcs/core/header_end.inl>
