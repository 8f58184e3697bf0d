// Batch norm's forward kernels; see cuda.cuh.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/expr/scalar.hpp>
#include <dcs/ops/batch_norm/cuda_rows.cuh>

DCS_EXACT_MATH
namespace dcs::cuda {

/// partial[chunk, 0, c] = mean and partial[chunk, 1, c] = Σ (x − mean)² of a chunk's rows, computed from the differences to the chunk's first row, so
/// that a mean far from zero costs no accuracy.
template <class T, int V>
struct norm_moments_kernel {
  static constexpr const char* name = "norm_moments";
  static constexpr int threads = column_tiles::threads;
  using A = arithmetic_t<T>;
  device_span<const T> x;
  device_span<double> partial;
  column_tiles tile;
  detail::valid_rows<A> valid;

  std::int64_t blocks() const { return tile.blocks(); }
  static constexpr std::int64_t shared_bytes() { return column_tiles::shared_bytes<A, V>(); }

  template <class Block>
  DCS_DEVICE void operator()(Block& b) const {
    const auto [part, packet_index, channels, c, group] = tile.template place_of<V>(b);
    const std::int64_t begin = tile.begin_of(part), count = valid.of_chunk(b, tile, part);
    const int groups = tile.groups();
    const auto in = b.global(x, "x");
    packet<A, V> mean, squares, origin;
    if (packet_index < tile.packets && count > 0) {
      origin = in.template read<V>(begin * channels + c);
      A n = 0;
      std::int64_t r = group;
      for (; r + 3 * groups < count; r += 4 * groups) {
        packet<A, V> v[4];
        DCS_DEVICE_UNROLL
        for (int j = 0; j < 4; ++j) {
          v[j] = in.template read<V>((begin + r + j * groups) * channels + c);
          DCS_DEVICE_UNROLL
          for (int k = 0; k < V; ++k) v[j][k] -= origin[k];
        }
        const A share = 4 / (n + 4), weight = n * share;
        n += 4;
        DCS_DEVICE_UNROLL
        for (int k = 0; k < V; ++k) {
          const A average = (v[0][k] + v[1][k] + (v[2][k] + v[3][k])) * A(0.25), delta = average - mean[k];
          A within = 0;
          DCS_DEVICE_UNROLL
          for (int j = 0; j < 4; ++j) within += (v[j][k] - average) * (v[j][k] - average);
          mean[k] += delta * share;
          squares[k] += within + delta * delta * weight;
        }
      }
      for (; r < count; r += groups) {
        const auto v = in.template read<V>((begin + r) * channels + c);
        const A share = 1 / (n + 1), weight = n * share;
        n += 1;
        DCS_DEVICE_UNROLL
        for (int k = 0; k < V; ++k) {
          const A delta = v[k] - origin[k] - mean[k];
          mean[k] += delta * share;
          squares[k] += delta * delta * weight;
        }
      }
    }
    tile.merge_groups<V>(b, mean, squares, count, [](A& m, A& s, A other_m, A other_s, std::int64_t n, std::int64_t other_n) {
      if (other_n == 0) return;
      const A share = static_cast<A>(other_n) / static_cast<A>(n + other_n), delta = other_m - m;
      m += delta * share;
      s += other_s + delta * delta * (static_cast<A>(n) * share);
    });
    if (group > 0 || packet_index >= tile.packets) return;
    const auto out = b.global(partial, "partial moments");
    DCS_DEVICE_UNROLL
    for (int k = 0; k < V; ++k) {
      out.write(2 * part * channels + c + k, static_cast<double>(origin[k]) + static_cast<double>(mean[k]));
      out.write((2 * part + 1) * channels + c + k, static_cast<double>(squares[k]));
    }
  }
};

/// Mean and 1 / sqrt(variance + eps) of each channel from the moments of the chunks; updates the running statistics; scale and shift of the forward
/// pass. R: the type of the running statistics.
template <class T, class R>
struct norm_statistics_kernel {
  static constexpr const char* name = "norm_statistics";
  static constexpr int threads = 256;
  using A = arithmetic_t<T>;
  device_span<const double> partial;
  device_span<const T> gamma, beta;
  device_span<R> running_mean, running_variance;
  device_span<double> mean, inverse;
  device_span<A> scale, shift;
  std::int64_t rows, channels;
  column_tiles tile;
  detail::valid_rows<A> valid;
  double momentum, eps;

  std::int64_t blocks() const { return ceil_div(channels, std::int64_t{8}); }
  static constexpr std::int64_t shared_bytes() { return threads / warp_size * 8 * static_cast<std::int64_t>(sizeof(double)); }

  template <class Block>
  DCS_DEVICE void operator()(Block& b) const {
    const std::int64_t c = b.block() * 8 + b.thread() % 8;
    const int first = b.thread() / 8;
    const auto in = b.global(partial, "partial moments");
    const auto sums = b.template shared<double>(threads / warp_size * 8, "sums of each warp");
    const auto rows_of = [&](std::int64_t k) { return static_cast<double>(valid.of_chunk(b, tile, k)); };
    const double counted = valid.count(b, sums, tile, rows, first, threads / 8), n = counted > 0 ? counted : 1;
    double total = 0;
    if (c < channels)
      for (std::int64_t k = first; k < tile.chunks; k += threads / 8) total += rows_of(k) * in.read(2 * k * channels + c);
    const double m = column_sum(b, sums, total) / n;
    total = 0;
    if (c < channels)
      for (std::int64_t k = first; k < tile.chunks; k += threads / 8) {
        const double delta = in.read(2 * k * channels + c) - m;
        total += in.read((2 * k + 1) * channels + c) + rows_of(k) * (delta * delta);
      }
    const double variance = column_sum(b, sums, total) / n;
    if (first > 0 || c >= channels) return;
    const auto old_mean = b.global(running_mean, "running mean"), old_variance = b.global(running_variance, "running variance");
    const double unbiased = n > 1 ? n / (n - 1) : 1;
    if (counted > 0) {
      old_mean.write(c, static_cast<A>((1 - momentum) * static_cast<double>(old_mean.read(c)) + momentum * m));
      old_variance.write(c, static_cast<A>((1 - momentum) * static_cast<double>(old_variance.read(c)) + momentum * variance * unbiased));
    }
    const double i = 1 / lane::square_root(variance + eps), s = static_cast<double>(b.global(gamma, "gamma").read(c)) * i;
    b.global(mean, "mean").write(c, m);
    b.global(inverse, "inverse deviation").write(c, i);
    b.global(scale, "scale").write(c, static_cast<A>(s));
    b.global(shift, "shift").write(c, static_cast<A>(static_cast<double>(b.global(beta, "beta").read(c)) - m * s));
  }
};

/// scale = gamma / sqrt(variance + eps), shift = beta − mean · scale. R: the type of mean and variance.
template <class T, class R>
struct norm_inference_kernel {
  static constexpr const char* name = "norm_inference";
  static constexpr int threads = 256;
  using A = arithmetic_t<T>;
  device_span<const T> gamma, beta;
  device_span<const R> mean, variance;
  device_span<T> scale, shift;
  double eps;

  std::int64_t blocks() const { return ceil_div(scale.size, std::int64_t{threads}); }
  static constexpr std::int64_t shared_bytes() { return 0; }

  template <class Block>
  DCS_DEVICE void operator()(Block& b) const {
    const std::int64_t c = b.index();
    if (c >= scale.size) return;
    const auto read = [&](const auto& p, const char* what) { return static_cast<double>(b.global(p, what).read(c)); };
    const double s = read(gamma, "gamma") / lane::square_root(read(variance, "variance") + eps);
    b.global(scale, "scale").write(c, static_cast<A>(s));
    b.global(shift, "shift").write(c, static_cast<A>(read(beta, "beta") - read(mean, "mean") * s));
  }
};

/// y = act(x · scale + shift + residual), act ReLU or nothing; 0 in padded rows.
template <class T, int V>
struct norm_forward_kernel {
  static constexpr const char* name = "norm_forward";
  static constexpr int threads = 256;
  using A = arithmetic_t<T>;
  device_span<const T> x;
  device_span<const A> scale, shift;
  device_span<const T> residual;
  device_span<T> y;
  detail::norm_pass pass;
  detail::valid_rows<A> valid;
  bool relu;

  std::int64_t blocks() const { return pass.blocks(threads); }
  static constexpr std::int64_t shared_bytes() { return 0; }

  template <class Block>
  DCS_DEVICE void operator()(Block& b) const {
    constexpr int R = detail::norm_pass::rows_of_thread;
    std::int64_t row = b.index();
    const std::int64_t c = pass.columns.split(row) * V;
    if (row >= pass.stride) return;
    const auto in = b.global(x, "x"), more = b.global(residual, "residual");
    packet<A, V> v[R], r[R];
    bool counts[R];
    DCS_DEVICE_UNROLL
    for (int j = 0; j < R; ++j) {
      counts[j] = row + j * pass.stride < pass.rows && valid.has(b, row + j * pass.stride);
      if (counts[j]) {
        const std::int64_t at = (row + j * pass.stride) * pass.packets * V + c;
        v[j] = in.template read<V>(at);
        if (residual) r[j] = more.template read<V>(at);
      }
    }
    const auto s = read_values<V>(b.global(scale, "scale"), c), t = read_values<V>(b.global(shift, "shift"), c);
    const auto out = b.global(y, "y");
    DCS_DEVICE_UNROLL
    for (int j = 0; j < R; ++j) {
      DCS_DEVICE_UNROLL
      for (int k = 0; k < V; ++k) {
        v[j][k] = counts[j] ? v[j][k] * s[k] + t[k] + r[j][k] : A(0);
        if (relu) v[j][k] = v[j][k] < 0 ? A(0) : v[j][k];
      }
      if (row + j * pass.stride < pass.rows) out.write((row + j * pass.stride) * pass.packets * V + c, v[j]);
    }
  }
};

}  // namespace dcs::cuda

#include <dcs/core/header_end.inl>
