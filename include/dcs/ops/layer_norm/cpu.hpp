// Layer norm on the host: rows are independent; the gradients of gamma and beta are summed by fixed blocks of rows.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/compiled.hpp>
#include <dcs/core/dtype.hpp>
#include <dcs/core/storage.hpp>
#include <dcs/cpu/parallel.hpp>

#include <algorithm>
#include <cmath>

DCS_EXACT_MATH
namespace dcs::cpu {

/// sum = x + residual (where there is one), y = norm(sum); statistics: mean and inverse deviation of each row.
template <class T>
void layer_norm_forward(device, const T* x, const T* residual, const T* gamma, const T* beta, double eps, T* sum, T* y, double* statistics,
                        std::int64_t rows, std::int64_t n) {
  using A = compute_type<T>;
  parallel_chunks(rows, std::max<std::int64_t>(1, 8192 / n), [=](std::int64_t begin, std::int64_t end) {
    for (std::int64_t r = begin; r < end; ++r) {
      const T* row = x + r * n;
      if (residual) {
        for (std::int64_t i = 0; i < n; ++i) sum[r * n + i] = static_cast<T>(x[r * n + i] + residual[r * n + i]);
        row = sum + r * n;
      }
      double mean = 0, variance = 0;
      for (std::int64_t i = 0; i < n; ++i) mean += static_cast<double>(row[i]);
      mean /= static_cast<double>(n);
      for (std::int64_t i = 0; i < n; ++i) variance += (static_cast<double>(row[i]) - mean) * (static_cast<double>(row[i]) - mean);
      const double inverse = 1 / std::sqrt(variance / static_cast<double>(n) + eps);
      statistics[2 * r] = mean, statistics[2 * r + 1] = inverse;
      for (std::int64_t i = 0; i < n; ++i)
        y[r * n + i] = static_cast<T>(static_cast<A>((static_cast<double>(row[i]) - mean) * inverse) * gamma[i] + beta[i]);
    }
  });
}

/// x: the normalised input, which is the sum where there was a residual. dx, also the gradient of both terms of the sum, is null where it is not
/// needed.
template <class T>
void layer_norm_backward(device, const T* x, const T* dy, const T* gamma, const double* statistics, T* dx, T* dgamma, T* dbeta, std::int64_t rows,
                         std::int64_t n) {
  const std::int64_t blocks = std::max<std::int64_t>(1, std::min<std::int64_t>(16, rows));
  scratch<double> partial(2 * blocks * n);
  parallel_for(blocks, [&](std::int64_t b) {
    double *sg = partial.data() + 2 * b * n, *sb = sg + n;
    std::fill(sg, sg + 2 * n, 0.0);
    for (std::int64_t r = rows * b / blocks; r < rows * (b + 1) / blocks; ++r) {
      const double mean = statistics[2 * r], inverse = statistics[2 * r + 1];
      double sum = 0, product = 0;
      for (std::int64_t i = 0; i < n; ++i) {
        const double g = static_cast<double>(dy[r * n + i]), h = (static_cast<double>(x[r * n + i]) - mean) * inverse;
        sg[i] += g * h, sb[i] += g;
        sum += g * static_cast<double>(gamma[i]), product += g * static_cast<double>(gamma[i]) * h;
      }
      sum /= static_cast<double>(n), product /= static_cast<double>(n);
      if (dx)
        for (std::int64_t i = 0; i < n; ++i) {
          const double h = (static_cast<double>(x[r * n + i]) - mean) * inverse;
          dx[r * n + i] = static_cast<T>((static_cast<double>(dy[r * n + i]) * static_cast<double>(gamma[i]) - sum - h * product) * inverse);
        }
    }
  });
  for (std::int64_t i = 0; i < n; ++i) {
    double g = 0, b = 0;
    for (std::int64_t k = 0; k < blocks; ++k) g += partial[2 * k * n + i], b += partial[(2 * k + 1) * n + i];
    dgamma[i] = static_cast<T>(g), dbeta[i] = static_cast<T>(b);
  }
}

// The entry points that dcs::compiled contains (core/compiled.hpp).
#define DCS_LAYER_NORM_ENTRIES(declare, T)                                                                                              \
  declare void layer_norm_forward(device, const T*, const T*, const T*, const T*, double, T*, T*, double*, std::int64_t, std::int64_t); \
  declare void layer_norm_backward(device, const T*, const T*, const T*, const double*, T*, T*, T*, std::int64_t, std::int64_t);
DCS_MAP_ENTRIES(DCS_LAYER_NORM_ENTRIES)

}  // namespace dcs::cpu

#include <dcs/core/header_end.inl>
