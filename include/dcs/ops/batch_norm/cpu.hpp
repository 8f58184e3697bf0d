// Batch norm in training, on the host. Rows are cut into blocks that fit a cache; each block's moments are taken about its own mean and are combined
// in the order of the blocks (Chan, Golub & LeVeque 1979), in double, so that large batches cost no accuracy and results do not depend on threads.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/storage.hpp>
#include <dcs/cpu/half.hpp>
#include <dcs/cpu/parallel.hpp>
#include <dcs/cpu/simd.hpp>
#include <dcs/ops/batch_norm/row_mask.hpp>

#include <algorithm>
#include <cmath>
#include <type_traits>

DCS_EXACT_MATH
#define DCS_KERNELS <dcs/ops/batch_norm/rows.inl>
#include <dcs/cpu/foreach_isa.inl>

namespace dcs::cpu {

namespace detail {
inline std::int64_t norm_rows(std::int64_t channels) { return std::clamp<std::int64_t>((1 << 15) / std::max<std::int64_t>(channels, 1), 8, 1024); }
}  // namespace detail

/// Mean and biased variance of each channel over `rows` ≥ 1 rows.
template <class T>
void norm_moments(device, const T* x, std::int64_t rows, std::int64_t channels, double* mean, double* variance) {
  const std::int64_t step = detail::norm_rows(channels), blocks = (rows + step - 1) / step;
  scratch<double> partial(2 * blocks * channels);
  parallel_for(blocks, [&](std::int64_t b) {
    double* to = partial.data() + 2 * b * channels;
    DCS_DISPATCH(norm_block_moments, x + b * step * channels, std::min(step, rows - b * step), channels, to, to + channels);
  });
  for (std::int64_t c = 0; c < channels; ++c) {
    double n = 0, m = 0, m2 = 0;
    for (std::int64_t b = 0; b < blocks; ++b) {
      const auto count = static_cast<double>(std::min(step, rows - b * step));
      const double delta = partial[2 * b * channels + c] - m, total = n + count;
      m += delta * count / total;
      m2 += partial[(2 * b + 1) * channels + c] + delta * delta * n * count / total;
      n = total;
    }
    mean[c] = m, variance[c] = m2 / n;
  }
}

namespace detail {
// Guards the update of running statistics, which threads that train one network share.
inline std::mutex& running_statistics_mutex() {
  static std::mutex m;
  return m;
}
}  // namespace detail

/// Mean and 1 / sqrt(variance + eps) of each channel over `rows` ≥ 1 rows, the updated running statistics, and scale and shift of the forward pass.
/// Where statistics are exchanged, all of these are of the rows of every part of the batch.
template <class T, class R, class A>
void norm_statistics(device, const T* x, const T* gamma, const T* beta, double momentum, double eps, std::int64_t rows, std::int64_t channels,
                     R* running_mean, R* running_variance, double* mean, double* inverse, A* scale, A* shift, dcs::detail::every_row part = {}) {
  norm_moments<T>(device{}, x, rows, channels, mean, inverse);
  if (part.exchange) rows = part.exchange->moments(part.number, rows, channels, mean, inverse);
  const double unbiased = rows > 1 ? static_cast<double>(rows) / static_cast<double>(rows - 1) : 1;
  std::lock_guard lock(detail::running_statistics_mutex());
  for (std::int64_t c = 0; c < channels; ++c) {
    running_mean[c] = static_cast<R>((1 - momentum) * static_cast<double>(running_mean[c]) + momentum * mean[c]);
    running_variance[c] = static_cast<R>((1 - momentum) * static_cast<double>(running_variance[c]) + momentum * inverse[c] * unbiased);
    inverse[c] = 1 / std::sqrt(inverse[c] + eps);
    const double s = static_cast<double>(gamma[c]) * inverse[c];
    scale[c] = static_cast<A>(s), shift[c] = static_cast<A>(static_cast<double>(beta[c]) - mean[c] * s);
  }
}

/// Scale and shift of the norm with running statistics.
template <class T, class R>
[[gnu::noinline]] void norm_inference(device, const T* gamma, const T* beta, const R* mean, const R* variance, double eps, std::int64_t channels,
                                      T* scale, T* shift) {
  for (std::int64_t i = 0; i < channels; ++i) {
    const double s = static_cast<double>(gamma[i]) / std::sqrt(static_cast<double>(variance[i]) + eps);
    scale[i] = static_cast<T>(s);
    shift[i] = static_cast<T>(static_cast<double>(beta[i]) - static_cast<double>(mean[i]) * s);
  }
}

/// y = act(x · a + b + residual), a and b per channel; residual may be null.
template <class T>
void norm_forward(device, const T* x, const T* a, const T* b, const T* residual, bool relu, T* y, std::int64_t rows, std::int64_t channels,
                  dcs::detail::every_row = {}) {
  const std::int64_t step = detail::norm_rows(channels);
  parallel_chunks(rows, step, [&](std::int64_t begin, std::int64_t end) {
    DCS_DISPATCH(norm_apply, x + begin * channels, a, b, residual ? residual + begin * channels : nullptr, relu, y + begin * channels, end - begin,
                 channels);
  });
}

/// Gradients: dx and dresidual are null where they are not needed, y where there is no ReLU. dgamma and dbeta are always computed; they are those of
/// these rows alone, also where statistics are exchanged.
template <class T>
void norm_backward(device, const T* x, const T* y, const T* dy, const T* gamma, const double* mean, const double* inverse, std::int64_t rows,
                   std::int64_t channels, T* dx, T* dresidual, T* dgamma, T* dbeta, dcs::detail::every_row part = {}) {
  const std::int64_t step = detail::norm_rows(channels), blocks = (rows + step - 1) / step;
  scratch<double> partial(2 * blocks * channels), sums(2 * channels);
  scratch<T> m(channels), a(channels), b(channels), c0(channels);
  for (std::int64_t c = 0; c < channels; ++c) m[c] = static_cast<T>(mean[c]);
  auto at = [&](const T* p, std::int64_t block) { return p ? p + block * step * channels : nullptr; };
  parallel_for(blocks, [&](std::int64_t k) {
    double* to = partial.data() + 2 * k * channels;
    DCS_DISPATCH(norm_block_sums, at(x, k), at(y, k), at(dy, k), m.data(), std::min(step, rows - k * step), channels, to, to + channels);
  });
  for (std::int64_t c = 0; c < channels; ++c) {
    double sum = 0, product = 0;
    for (std::int64_t k = 0; k < blocks; ++k) sum += partial[2 * k * channels + c], product += partial[(2 * k + 1) * channels + c];
    dbeta[c] = static_cast<T>(sum);
    dgamma[c] = static_cast<T>(product * inverse[c]);
    sums[c] = sum, sums[channels + c] = product;
  }
  const auto n = static_cast<double>(std::max<std::int64_t>(1, part.exchange ? part.exchange->sums(part.number, rows, channels, sums.data()) : rows));
  for (std::int64_t c = 0; c < channels; ++c) {
    const double scale = static_cast<double>(gamma[c]) * inverse[c];
    a[c] = static_cast<T>(scale);
    b[c] = static_cast<T>(scale * inverse[c] * inverse[c] * sums[channels + c] / n);
    c0[c] = static_cast<T>(scale * sums[c] / n);
  }
  if (!dx && !dresidual) return;
  parallel_for(blocks, [&](std::int64_t k) {
    DCS_DISPATCH(norm_spread, at(x, k), at(y, k), at(dy, k), m.data(), a.data(), b.data(), c0.data(), const_cast<T*>(at(dx, k)),
                 const_cast<T*>(at(dresidual, k)), std::min(step, rows - k * step), channels);
  });
}

// Maps in 16 bits, by the kernels of float (cpu/half.hpp); scale and shift, a and b, are float.
template <half_number T>
void norm_moments(device, const T* x, std::int64_t rows, std::int64_t channels, double* mean, double* variance) {
  in_float([&](const float* xf) { norm_moments<float>(device{}, xf, rows, channels, mean, variance); }, reads<T>{x, rows * channels});
}
template <half_number T>
void norm_forward(device, const T* x, const float* a, const float* b, const T* residual, bool relu, T* y, std::int64_t rows, std::int64_t channels,
                  dcs::detail::every_row = {}) {
  const std::int64_t count = rows * channels;
  in_float([&](const float* xf, const float* rf, float* yf) { norm_forward<float>(device{}, xf, a, b, rf, relu, yf, rows, channels); },
           reads<T>{x, count}, reads<T>{residual, count}, writes<T>{y, count});
}
template <half_number T>
void norm_backward(device, const T* x, const T* y, const T* dy, const T* gamma, const double* mean, const double* inverse, std::int64_t rows,
                   std::int64_t channels, T* dx, T* dresidual, T* dgamma, T* dbeta, dcs::detail::every_row = {}) {
  const std::int64_t count = rows * channels;
  in_float([&](const float* xf, const float* yf, const float* dyf, const float* gf, float* dxf, float* drf, float* dgf,
               float* dbf) { norm_backward<float>(device{}, xf, yf, dyf, gf, mean, inverse, rows, channels, dxf, drf, dgf, dbf); },
           reads<T>{x, count}, reads<T>{y, count}, reads<T>{dy, count}, reads<T>{gamma, channels}, writes<T>{dx, count}, writes<T>{dresidual, count},
           writes<T>{dgamma, channels}, writes<T>{dbeta, channels});
}

// The entry points that dcs::compiled contains (core/compiled.hpp).
#define DCS_BATCH_NORM_ENTRIES(declare, T)                                                                                                           \
  declare void norm_moments(device, const T*, std::int64_t, std::int64_t, double*, double*);                                                         \
  declare void norm_statistics(device, const T*, const T*, const T*, double, double, std::int64_t, std::int64_t, compute_type<T>*, compute_type<T>*, \
                               double*, double*, compute_type<T>*, compute_type<T>*, dcs::detail::every_row);                                        \
  declare void norm_inference(device, const T*, const T*, const compute_type<T>*, const compute_type<T>*, double, std::int64_t, T*, T*);             \
  declare void norm_forward(device, const T*, const compute_type<T>*, const compute_type<T>*, const T*, bool, T*, std::int64_t, std::int64_t,        \
                            dcs::detail::every_row);                                                                                                 \
  declare void norm_backward(device, const T*, const T*, const T*, const T*, const double*, const double*, std::int64_t, std::int64_t, T*, T*, T*,   \
                             T*, dcs::detail::every_row);
DCS_MAP_ENTRIES(DCS_BATCH_NORM_ENTRIES)

}  // namespace dcs::cpu

#include <dcs/core/header_end.inl>
