// Which instruction set the kernels use, chosen at run time. A file of kernels (NAME.inl, no include guard, no includes of its own) is
// compiled once for each instruction set, each time in a namespace of its own:
//
//     #define DCS_KERNELS <dcs/ops/conv2d/winograd.inl>
//     #include <dcs/cpu/foreach_isa.inl>
//
// In it every function carries DCS_TARGET (or DCS_INLINE for helpers that must be inlined; a lambda takes DCS_TARGET after its parameter list),
// vectors are vec<T> from simd.inl, and the file's contents stand in `namespace dcs::DCS_ISA`. DCS_DISPATCH(f, args...) calls the chosen one. Users
// need no compiler flags, and all translation units of a program use the same instruction set.
//
// Units that link dcs::compiled (core/compiled.hpp) find the kernels in its archive: DCS_KERNELS is skipped in them, unless DCS_KERNELS_IN_EVERY_UNIT
// is defined, and every entry point that uses DCS_DISPATCH must be in a list of entries.
//
// avx512_bf16 is avx512 with products of bf16 (ops in that type ask for it where they choose their register tile, cpu/gemm_tile.inl): it has no
// kernels of its own, and other types compute the same bits with either.
//
// A program all of whose translation units define DCS_PORTABLE_ONLY has the portable kernels alone: slower, but compiled in two thirds of the time.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/compiled.hpp>
#include <dcs/core/error.hpp>

#include <cstdlib>
#include <cstring>

#if defined(__x86_64__) && !defined(DCS_PORTABLE_ONLY)
#define DCS_X86 1
#else
#define DCS_X86 0
#endif

#if defined(__clang__)
#define DCS_UNROLL _Pragma("clang loop unroll(full)")
#elif defined(__CUDACC__)
#define DCS_UNROLL
#else
#define DCS_UNROLL _Pragma("GCC unroll 64")
#endif

DCS_EXACT_MATH
namespace dcs::cpu {

enum class isa { portable, avx2, avx512, avx512_bf16 };
inline constexpr isa every_isa[] = {isa::portable, isa::avx2, isa::avx512, isa::avx512_bf16};

constexpr const char* name(isa i) {
  constexpr const char* names[] = {"portable", "avx2", "avx512", "avx512_bf16"};
  return names[static_cast<int>(i)];
}

/// Whether this processor (and operating system) runs kernels built for `i`.
inline bool supports(isa i) {
#if DCS_X86
  if (i == isa::avx512_bf16) return supports(isa::avx512) && __builtin_cpu_supports("avx512bf16");
  if (i == isa::avx512)
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("fma");
  if (i == isa::avx2) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
  return i == isa::portable;
}

namespace detail {
inline isa& chosen() {
  static isa i = [] {
    isa best = isa::portable;
    for (isa known : every_isa)
      if (supports(known)) best = known;
    if (const char* text = std::getenv("DCS_ISA")) {
      for (isa wanted : every_isa)
        if (!std::strcmp(text, name(wanted))) {
          expect(supports(wanted), "DCS_ISA=", text, ": this processor does not have it");
          return wanted;
        }
      fail("DCS_ISA=", text, ": expected portable, avx2, avx512 or avx512_bf16");
    }
    return best;
  }();
  return i;
}
}  // namespace detail

/// The instruction set kernels use now: the best this machine has, or the environment's DCS_ISA.
inline isa current_isa() { return detail::chosen(); }
/// Sets the instruction set, which this machine must have; tests use it to run every one.
inline void set_isa(isa i) {
  expect(supports(i), "dcs::cpu::set_isa: this processor does not have ", name(i));
  detail::chosen() = i;
}

}  // namespace dcs::cpu

// Between template arguments inside DCS_DISPATCH.
#define DCS_COMMA ,

// DCS_DISPATCH_HERE is for kernels that every unit compiles, with or without the archive: those of pointwise expressions.
#if DCS_X86
#define DCS_DISPATCH_HERE(function, ...)                                                       \
  (::dcs::cpu::current_isa() >= ::dcs::cpu::isa::avx512 ? ::dcs::avx512::function(__VA_ARGS__) \
   : ::dcs::cpu::current_isa() == ::dcs::cpu::isa::avx2 ? ::dcs::avx2::function(__VA_ARGS__)   \
                                                        : ::dcs::portable::function(__VA_ARGS__))
#else
#define DCS_DISPATCH_HERE(function, ...) ::dcs::portable::function(__VA_ARGS__)
#endif
#if DCS_LINKS_KERNELS
#define DCS_DISPATCH(function, ...) ::dcs::detail::archived_kernel(__VA_ARGS__)
#else
#define DCS_DISPATCH DCS_DISPATCH_HERE
#endif

#include <dcs/core/header_end.inl>
