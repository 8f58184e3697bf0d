// Matrix product on the host: packed, register-tiled, blocked for the caches. One micro-kernel of plain vector arithmetic serves float, double and
// bf16 (with sums in float, rounded once) and every instruction set; only products of bf16 have an instruction of their own, where there is one. It
// is not a BLAS library's because convolutions replace its packing: they pass a source that gathers image patches instead of matrix rows (see
// ops/conv2d).
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/allocator.hpp>
#include <dcs/core/storage.hpp>
#include <dcs/cpu/parallel.hpp>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>

DCS_EXACT_MATH
namespace dcs::cpu {

/// A row-major matrix: element (i, j) is data[i · stride + j], or, transposed, data[j · stride + i].
template <class T>
struct matrix {
  const T* data = nullptr;
  std::int64_t stride = 0;
  bool transposed = false;
};

/// What happens to a finished element of column j: y = act(c · scale[j] + shift[j] + residual). Null pointers leave a part out.
template <class T>
struct epilogue {
  const T* scale = nullptr;
  const T* shift = nullptr;
  const T* residual = nullptr;
  std::int64_t residual_stride = 0;
  bool relu = false;
  bool any() const { return scale || shift || residual || relu; }
  /// The epilogue of the part of the result that begins at row i, column j.
  epilogue part(std::int64_t i, std::int64_t j) const {
    return {scale ? scale + j : nullptr, shift ? shift + j : nullptr, residual ? residual + i * residual_stride + j : nullptr, residual_stride, relu};
  }
};

inline constexpr std::int64_t gemm_most_depth = 400;
/// Depth of one pass over k, a multiple of `block`, 16 or 32: near 384 and even, so that a panel of B stays in L1 and no pass is very short.
constexpr std::int64_t gemm_depth(std::int64_t k, std::int64_t block) {
  const std::int64_t passes = (k + 383) / 384, depth = (k + passes - 1) / std::max<std::int64_t>(passes, 1);
  return std::max<std::int64_t>(block, (depth + block - 1) / block * block);
}

}  // namespace dcs::cpu

#define DCS_KERNELS <dcs/cpu/gemm_tile.inl>
#include <dcs/cpu/foreach_isa.inl>
#define DCS_KERNELS <dcs/cpu/gemm_pack.inl>
#include <dcs/cpu/foreach_isa.inl>
#define DCS_KERNELS <dcs/cpu/gemm.inl>
#include <dcs/cpu/foreach_isa.inl>

namespace dcs::cpu {

/// C[m × n] (+)= A[m × k] · B[k × n], rows of C `ldc` apart, then the epilogue. The same bits with any number of threads. In bf16 the sums and the
/// epilogue are in float and every element is rounded once.
template <class T>
void gemm(std::int64_t m, std::int64_t n, std::int64_t k, const matrix<T>& a, const matrix<T>& b, T* c, std::int64_t ldc, bool accumulate = false,
          const epilogue<T>& e = {}) {
  if (m == 0 || n == 0) return;
  DCS_DISPATCH(gemm, m, n, k, a, b, c, ldc, accumulate, e);
}

/// The entry point of ops, which every device has: `batch` products of matrices that follow each other in memory, C[m × n] dense, each with the
/// epilogue.
template <class T>
void gemm(device, std::int64_t batch, std::int64_t m, std::int64_t n, std::int64_t k, const matrix<T>& a, const matrix<T>& b, T* c,
          const epilogue<T>& e = {}) {
  for (std::int64_t i = 0; i < batch; ++i)
    gemm<T>(m, n, k, {a.data + i * m * k, a.stride, a.transposed}, {b.data + i * k * n, b.stride, b.transposed}, c + i * m * n, n, false, e);
}

/// Transposes `batch` matrices of rows × columns.
template <class T>
void transposition(device, const T* x, std::int64_t batch, std::int64_t rows, std::int64_t columns, T* y) {
  const std::int64_t area = rows * columns;
  parallel_for(batch, [&](std::int64_t b) {
    for (std::int64_t i = 0; i < rows; ++i)
      for (std::int64_t j = 0; j < columns; ++j) y[b * area + j * rows + i] = x[b * area + i * columns + j];
  });
}

// The entry points that dcs::compiled contains (core/compiled.hpp).
#define DCS_GEMM_ENTRIES(declare, T)                                                                                                             \
  declare void gemm(std::int64_t, std::int64_t, std::int64_t, const matrix<T>&, const matrix<T>&, T*, std::int64_t, bool, const epilogue<T>&);   \
  declare void gemm(device, std::int64_t, std::int64_t, std::int64_t, std::int64_t, const matrix<T>&, const matrix<T>&, T*, const epilogue<T>&); \
  declare void transposition(device, const T*, std::int64_t, std::int64_t, std::int64_t, T*);
DCS_MAP_ENTRIES(DCS_GEMM_ENTRIES)

}  // namespace dcs::cpu

#include <dcs/core/header_end.inl>
