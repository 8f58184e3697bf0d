// Copies on the host that move elements to other places.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/compiled.hpp>
#include <dcs/core/storage.hpp>
#include <dcs/cpu/parallel.hpp>

#include <algorithm>

DCS_EXACT_MATH
namespace dcs::cpu {

/// Copies rows × width elements; source and destination have row strides of their own.
template <class T>
void copy_rows(device, T* to, std::int64_t to_stride, const T* from, std::int64_t from_stride, std::int64_t rows, std::int64_t width) {
  if (rows == 0 || width == 0) return;
  parallel_chunks(rows, std::max<std::int64_t>(1, (1 << 16) / width), [=](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) std::memcpy(to + i * to_stride, from + i * from_stride, static_cast<std::size_t>(width) * sizeof(T));
  });
}

/// Copies elements with these strides to a dense array of `rank` ≥ 1 axes of sizes n ≥ 1. A stride of 0 repeats, a negative one counts backwards from
/// `from`, the first element of the copy.
template <class T>
void copy_strided(device, T* to, const T* from, const std::int64_t* n, const std::int64_t* strides, int rank) {
  std::int64_t rows = 1;
  for (int i = 0; i + 1 < rank; ++i) rows *= n[i];
  const std::int64_t width = n[rank - 1], step = strides[rank - 1];
  parallel_chunks(rows, std::max<std::int64_t>(1, (1 << 14) / width), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t r = begin; r < end; ++r) {
      std::int64_t at = 0, rest = r;
      for (int i = rank - 1; i-- > 0;) {
        at += rest % n[i] * strides[i];
        rest /= n[i];
      }
      T* row = to + r * width;
      if (step == 1)
        std::memcpy(row, from + at, static_cast<std::size_t>(width) * sizeof(T));
      else
        for (std::int64_t j = 0; j < width; ++j) row[j] = from[at + j * step];
    }
  });
}

// The entry points that dcs::compiled contains (core/compiled.hpp).
#define DCS_REARRANGE_ENTRIES(declare, T)                                                               \
  declare void copy_rows(device, T*, std::int64_t, const T*, std::int64_t, std::int64_t, std::int64_t); \
  declare void copy_strided(device, T*, const T*, const std::int64_t*, const std::int64_t*, int);
DCS_MAP_ENTRIES(DCS_REARRANGE_ENTRIES)

}  // namespace dcs::cpu

#include <dcs/core/header_end.inl>
