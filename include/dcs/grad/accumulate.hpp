// to += from, the one piece of arithmetic that the tape itself does.
#pragma once

#include <dcs/core/storage.hpp>
#include <dcs/cpu/parallel.hpp>

#define DCS_KERNELS <dcs/grad/accumulate.inl>
#include <dcs/cpu/foreach_isa.inl>

namespace dcs {

template <class T>
void add_into(cpu_device, T* to, const T* from, std::int64_t n) {
  cpu::parallel_chunks(n, 1 << 16, [=](std::int64_t begin, std::int64_t end) { DCS_DISPATCH(add_into, to + begin, from + begin, end - begin); });
}

}  // namespace dcs
