// Includes DCS_KERNELS once for each instruction set (see isa.hpp). Deliberately without an include guard. The pragmas set the instruction set for
// nvcc's host code, where DCS_TARGET is not enough: nvcc drops the attributes of lambdas.
#include <dcs/cpu/isa.hpp>
#include <dcs/cpu/simd.hpp>

#ifndef DCS_KERNELS
#error "define DCS_KERNELS as the file of kernels before including dcs/cpu/foreach_isa.inl"
#endif

// A unit that takes its kernels from the archive includes only those that cannot be compiled in advance: DCS_KERNELS_IN_EVERY_UNIT is defined beside
// DCS_KERNELS.
#if !DCS_LINKS_KERNELS || defined(DCS_KERNELS_IN_EVERY_UNIT)

#define DCS_INLINE __attribute__((always_inline)) DCS_TARGET inline

#define DCS_ISA portable
#define DCS_ISA_BYTES 16
#define DCS_TARGET
#include DCS_KERNELS
#undef DCS_ISA
#undef DCS_ISA_BYTES
#undef DCS_TARGET

#if DCS_X86
#define DCS_ISA avx2
#define DCS_ISA_BYTES 32
#define DCS_TARGET __attribute__((target("avx2,fma")))
#ifdef __CUDACC__
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#endif
#include DCS_KERNELS
#ifdef __CUDACC__
#pragma GCC pop_options
#endif
#undef DCS_ISA
#undef DCS_ISA_BYTES
#undef DCS_TARGET

#define DCS_ISA avx512
#define DCS_ISA_BYTES 64
#define DCS_TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")))
#ifdef __CUDACC__
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")
#endif
#include DCS_KERNELS
#ifdef __CUDACC__
#pragma GCC pop_options
#endif
#undef DCS_ISA
#undef DCS_ISA_BYTES
#undef DCS_TARGET
#endif

#undef DCS_INLINE
#endif
#undef DCS_KERNELS
#undef DCS_KERNELS_IN_EVERY_UNIT
