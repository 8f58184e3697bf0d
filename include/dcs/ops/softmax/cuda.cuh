// Softmax as kernels of the block interface. Where the axis is the last one, rows are divided among lanes or blocks as cuda/rows.hpp says. Where
// other axes follow, neighbouring threads have neighbouring packets of columns and loop over the axis; maximum and sum are computed in one pass, in
// which the sum is rescaled whenever the maximum changes.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/ops/softmax/cuda_columns.cuh>
#include <dcs/ops/softmax/cuda_rows.cuh>

DCS_EXACT_MATH
namespace dcs::cuda {

template <class T, gpu D>
void softmax_forward(D, const T* x, T* y, std::int64_t outer, std::int64_t n, std::int64_t inner) {
  const std::int64_t size = outer * n * inner;
  if (inner == 1)
    detail::with_row_share<T>(n, [&](auto v, auto r) {
      if constexpr (r == 0)
        launch(D{}, softmax_long_rows_forward_kernel<T, v>{{x, size}, {y, size}, outer, n});
      else
        launch(D{}, softmax_rows_forward_kernel<T, v, r>{{x, size}, {y, size}, outer, n});
    });
  else
    with_packets<T>(inner, [&](auto v) { launch(D{}, softmax_columns_forward_kernel<T, v>{{x, size}, {y, size}, {outer, n, inner}}); });
}
template <class T, gpu D>
void softmax_backward(D, const T* y, const T* dy, T* dx, std::int64_t outer, std::int64_t n, std::int64_t inner) {
  const std::int64_t size = outer * n * inner;
  if (inner == 1)
    detail::with_row_share<T>(n, [&](auto v, auto r) {
      if constexpr (r == 0)
        launch(D{}, softmax_long_rows_backward_kernel<T, v>{{y, size}, {dy, size}, {dx, size}, outer, n});
      else
        launch(D{}, softmax_rows_backward_kernel<T, v, r>{{y, size}, {dy, size}, {dx, size}, outer, n});
    });
  else
    with_packets<T>(inner, [&](auto v) { launch(D{}, softmax_columns_backward_kernel<T, v>{{y, size}, {dy, size}, {dx, size}, {outer, n, inner}}); });
}

}  // namespace dcs::cuda

#include <dcs/core/header_end.inl>
