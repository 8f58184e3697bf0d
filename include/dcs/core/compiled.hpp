// Compile once, or include. dcs is a library of headers: whoever includes an op compiles its kernels. But kernels do not depend on a network's
// shapes, so a project may compile them once: it links the CMake target dcs::compiled, an archive with the kernels, which defines DCS_COMPILED. Its
// units then skip the files of kernels (cpu/foreach_isa.inl) and compile networks alone. Results have the same bits either way.
//
// The entry points of an op on the host (its `cpu.hpp`) are templates over the element type. Behind them stands the list of their signatures,
//
//     #define DCS_DROPOUT_ENTRIES(declare, T) declare void dropout_apply(device, const T*, T*, std::int64_t, ...);
//     DCS_ENTRIES(DCS_DROPOUT_ENTRIES)
//
// which is used twice: DCS_ENTRIES declares the entry points `extern template` in units that link the archive, and the archive's unit for the op
// (cmake/compiled) defines them by the same list, DCS_DEFINE_ENTRIES(DCS_DROPOUT_ENTRIES). `declare` and T are what the two fill in; float and double
// are compiled, and bf16 too where the list is one of maps (DCS_MAP_ENTRIES, DCS_DEFINE_MAP_ENTRIES). An entry point that is missing from its list
// does not compile in a unit that links the archive, as such a unit skips the kernels; a missing one without kernels is found by
// tests/compiled/run.sh, which searches a unit's object for code that the archive should contain.
//
// The readers of images and the metrics are in it too, under lists of the same kind.
//
// The kernels of pointwise expressions depend on the expression, so they are compiled in the unit that writes it. The archive has those that networks
// use most (expr/common.hpp).
//
// Units that nvcc compiles contain all their kernels, whatever they link. DCS_PORTABLE_ONLY, which leaves out instruction sets that the archive has,
// excludes DCS_COMPILED: one program would have two definitions of one function.
#pragma once

#include <dcs/core/header_begin.inl>

#if defined(DCS_COMPILED) && defined(DCS_PORTABLE_ONLY)
#error \
    "DCS_COMPILED and DCS_PORTABLE_ONLY exclude each other: dcs::compiled has kernels for every instruction set; link dcs::dcs for portable ones alone"
#endif

// 1 in a unit that takes its kernels from the archive. DCS_ARCHIVE is defined while the archive itself is compiled.
#if defined(DCS_COMPILED) && !defined(DCS_ARCHIVE) && !defined(__CUDACC__)
#define DCS_LINKS_KERNELS 1
#else
#define DCS_LINKS_KERNELS 0
#endif

// DCS_ENTRIES(list) declares a list of entry points for float and double, DCS_MAP_ENTRIES(list) for bf16 besides, DCS_ENTRIES_ONCE(list) one whose
// signatures name their types.
#if DCS_LINKS_KERNELS || defined(DCS_ARCHIVE)
#define DCS_MAP_ENTRIES(list) DCS_ENTRIES(list) list(extern template, bf16)
#define DCS_ENTRIES(list) list(extern template, float) list(extern template, double)
#define DCS_ENTRIES_ONCE(list) list(extern template)
#else
#define DCS_MAP_ENTRIES(list)
#define DCS_ENTRIES(list)
#define DCS_ENTRIES_ONCE(list)
#endif

// In the archive's units, within the namespace of the entry points.
#define DCS_DEFINE_ENTRIES(list) list(template, float) list(template, double)
#define DCS_DEFINE_MAP_ENTRIES(list) DCS_DEFINE_ENTRIES(list) list(template, bf16)
#define DCS_DEFINE_ENTRIES_ONCE(list) list(template)

DCS_EXACT_MATH
namespace dcs::detail {

// Replaces a kernel in units that link the archive. Only an entry point that its list lacks instantiates it, which is an error.
struct archived_result {
  template <class T>
  operator T() const;
};
template <class... A>
archived_result archived_kernel(const A&...) {
  static_assert(sizeof...(A) > 1000,
                "dcs::compiled: the archive has no such kernel: it has those of every op in float and double, and of maps in bf16; link dcs::dcs for "
                "other element types");
  return {};
}

}  // namespace dcs::detail

#include <dcs/core/header_end.inl>
