// Batch norm as kernels of the block interface; statistics and everything computed from them stay on the device. Training forward: moments of each
// chunk of rows about its own mean (Chan, Golub & LeVeque 1979), merged in double by a second kernel, which also updates the running statistics and
// computes scale and shift; then one pass for norm, residual and ReLU. Backward: two sums of a channel in the same way, then one pass for the
// gradients. In these passes a thread has the same packet of channels in four rows, so that four reads are in flight, and the channels' coefficients
// are read once for the four.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/ops/batch_norm/cuda_backward.cuh>
#include <dcs/ops/batch_norm/cuda_forward.cuh>

DCS_EXACT_MATH
namespace dcs::cuda {

template <class T, gpu D, class R>
void norm_statistics(D, const T* x, const T* gamma, const T* beta, double momentum, double eps, std::int64_t rows, std::int64_t channels,
                     R* running_mean, R* running_variance, double* mean, double* inverse, arithmetic_t<T>* scale, arithmetic_t<T>* shift,
                     const dcs::detail::row_mask& mask = {}) {
  const detail::valid_rows<arithmetic_t<T>> valid(mask, rows);
  with_packets<T>(channels, [&](auto v) {
    const column_tiles tile(rows, channels / v, valid.parts());
    const device_scratch<double, D> partial(2 * tile.chunks * channels);
    launch(D{}, norm_moments_kernel<T, v>{{x, rows * channels}, partial.span(), tile, valid});
    launch(D{}, norm_statistics_kernel<T, R>{partial.span(),
                                             {gamma, channels},
                                             {beta, channels},
                                             {running_mean, channels},
                                             {running_variance, channels},
                                             {mean, channels},
                                             {inverse, channels},
                                             {scale, channels},
                                             {shift, channels},
                                             rows,
                                             channels,
                                             tile,
                                             valid,
                                             momentum,
                                             eps});
  });
}

template <class T, gpu D, class R>
void norm_inference(D, const T* gamma, const T* beta, const R* mean, const R* variance, double eps, std::int64_t channels, T* scale, T* shift) {
  launch(D{}, norm_inference_kernel<T, R>{
                  {gamma, channels}, {beta, channels}, {mean, channels}, {variance, channels}, {scale, channels}, {shift, channels}, eps});
}

template <class T, gpu D>
void norm_forward(D, const T* x, const arithmetic_t<T>* scale, const arithmetic_t<T>* shift, const T* residual, bool relu, T* y, std::int64_t rows,
                  std::int64_t channels, const dcs::detail::row_mask& mask = {}) {
  const std::int64_t n = rows * channels;
  const detail::valid_rows<arithmetic_t<T>> valid(mask, rows);
  with_packets<T>(channels, [&](auto v) {
    launch(D{}, norm_forward_kernel<T, v>{{x, n}, {scale, channels}, {shift, channels}, {residual, n}, {y, n}, {rows, channels / v}, valid, relu});
  });
}

template <class T, gpu D>
void norm_backward(D, const T* x, const T* y, const T* dy, const T* gamma, const double* mean, const double* inverse, std::int64_t rows,
                   std::int64_t channels, T* dx, T* dresidual, T* dgamma, T* dbeta, const dcs::detail::row_mask& mask = {}) {
  using A = arithmetic_t<T>;
  const std::int64_t n = rows * channels;
  const detail::valid_rows<A> valid(mask, rows);
  with_packets<T>(channels, [&](auto v) {
    const column_tiles tile(rows, channels / v, valid.parts());
    const device_scratch<A, D> partial(2 * tile.chunks * channels), coefficients(4 * channels);
    launch(D{}, norm_sums_kernel<T, v>{{x, n}, {y, n}, {dy, n}, {mean, channels}, partial.span(), tile, valid});
    launch(D{}, norm_coefficients_kernel<T>{partial.span(),
                                            {gamma, channels},
                                            {mean, channels},
                                            {inverse, channels},
                                            {dgamma, channels},
                                            {dbeta, channels},
                                            coefficients.span(),
                                            rows,
                                            channels,
                                            tile,
                                            valid});
    if (dx || dresidual)
      launch(D{}, norm_spread_kernel<T, v>{{x, n}, {y, n}, {dy, n}, coefficients.span(), {dx, n}, {dresidual, n}, {rows, channels / v}, valid});
  });
}

}  // namespace dcs::cuda

#include <dcs/core/header_end.inl>
