// to += from, the only arithmetic of the tape itself.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/dtype.hpp>
#include <dcs/core/storage.hpp>
#include <dcs/cpu/parallel.hpp>

DCS_EXACT_MATH
#define DCS_KERNELS <dcs/grad/accumulate.inl>
#include <dcs/cpu/foreach_isa.inl>

namespace dcs {

template <class T>
void add_into(cpu_device, T* to, const T* from, std::int64_t n) {
  cpu::parallel_chunks(n, 1 << 16, [=](std::int64_t begin, std::int64_t end) {
    if constexpr (std::is_same_v<T, f16>)  // storage alone on the host: there are no kernels of it
      for (std::int64_t i = begin; i < end; ++i) to[i] = static_cast<T>(compute_type<T>(to[i]) + compute_type<T>(from[i]));
    else
      DCS_DISPATCH(add_into, to + begin, from + begin, end - begin);
  });
}

// The entry points that dcs::compiled contains (core/compiled.hpp).
#define DCS_ACCUMULATE_ENTRIES(declare, T) declare void add_into(cpu_device, T*, const T*, std::int64_t);
DCS_MAP_ENTRIES(DCS_ACCUMULATE_ENTRIES)

}  // namespace dcs

#include <dcs/core/header_end.inl>
