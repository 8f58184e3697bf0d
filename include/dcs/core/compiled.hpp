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
// (cmake/compiled) defines them by the same list, DCS_DEFINE_ENTRIES(DCS_DROPOUT_ENTRIES). `declare` and T are what the two fill in; float and
// double are compiled. An entry point that its list has forgotten does not compile in a unit that links the archive, where its kernels are not; one
// that has no kernels is found by tests/compiled/run.sh, which looks into a unit's object for anything that the archive should hold.
//
// What cannot be compiled before it is known stays in every unit: the kernels of pointwise expressions, which depend on the expression. The archive
// has those that networks use most (expr/common.hpp).
//
// Units that nvcc compiles are compiled whole, whatever they link. DCS_PORTABLE_ONLY, which leaves out the instruction sets that an archive has,
// contradicts DCS_COMPILED: one program would hold two meanings of one name.
#pragma once

#include <dcs/core/header_begin.inl>

#if defined(DCS_COMPILED) && defined(DCS_PORTABLE_ONLY)
#error \
    "DCS_COMPILED and DCS_PORTABLE_ONLY exclude each other: dcs::compiled has kernels for every instruction set; link dcs::dcs for portable ones alone"
#endif

// 1 in a unit whose kernels are the archive's. DCS_ARCHIVE is defined while the archive itself is compiled.
#if defined(DCS_COMPILED) && !defined(DCS_ARCHIVE) && !defined(__CUDACC__)
#define DCS_LINKS_KERNELS 1
#else
#define DCS_LINKS_KERNELS 0
#endif

// DCS_ENTRIES(list) declares a list of entry points for float and double, DCS_ENTRIES_ONCE(list) one whose signatures name their types.
#if DCS_LINKS_KERNELS || defined(DCS_ARCHIVE)
#define DCS_ENTRIES(list) list(extern template, float) list(extern template, double)
#define DCS_ENTRIES_ONCE(list) list(extern template)
#else
#define DCS_ENTRIES(list)
#define DCS_ENTRIES_ONCE(list)
#endif

// In the archive's units, within the namespace of the entry points.
#define DCS_DEFINE_ENTRIES(list) list(template, float) list(template, double)
#define DCS_DEFINE_ENTRIES_ONCE(list) list(template)

DCS_EXACT_MATH
namespace dcs::detail {

// Stands for a kernel in units that link the archive. It is reached only by an entry point that the archive lacks.
struct archived_result {
  template <class T>
  operator T() const;
};
template <class... A>
archived_result archived_kernel(const A&...) {
  static_assert(sizeof...(A) > 1000,
                "dcs::compiled: the archive has no such kernel: it has those of every op in float and double; link dcs::dcs for other element types");
  return {};
}

}  // namespace dcs::detail

#include <dcs/core/header_end.inl>
