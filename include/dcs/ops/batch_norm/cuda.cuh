// Batch norm as kernels of the block interface; statistics and everything computed from them stay on the device. Training forward: moments of each
// chunk of rows about its own mean (Chan, Golub & LeVeque 1979), merged in double by a second kernel, which also updates the running statistics and
// computes scale and shift; then one pass for norm, residual and ReLU. Backward: two sums of a channel in the same way, then one pass for the
// gradients. In these passes a thread has the same packet of channels in four rows, so that four reads are in flight, and the channels' coefficients
// are read once for the four.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/cuda/column_tiles.hpp>
#include <dcs/cuda/device.hpp>
#include <dcs/expr/scalar.hpp>
#include <dcs/ops/batch_norm/row_mask.hpp>

DCS_EXACT_MATH
namespace dcs::cuda {

namespace detail {

/// The valid rows: those whose part has a number other than 0 in the mask, or all rows where there is no mask. A chunk lies within one part.
template <class A>
struct valid_rows {
  device_span<const A> mask;
  divider part;

  valid_rows(const dcs::detail::row_mask& m, std::int64_t rows) : mask{m.data<A>(), m.parts}, part(rows / parts()) {}
  std::int64_t parts() const { return mask ? mask.size : 1; }

  template <class Block>
  DCS_DEVICE bool has(Block& b, std::int64_t row) const {
    return !mask || b.global(mask, "mask").read(part.quotient(row)) != 0;
  }
  /// The number of valid rows of chunk k.
  template <class Block>
  DCS_DEVICE std::int64_t of_chunk(Block& b, const column_tiles& tile, std::int64_t k) const {
    return has(b, tile.begin_of(k)) ? tile.rows_of(k) : 0;
  }
  /// The number of all valid rows, summed over the threads of column_sum, of which each adds up chunks first, first + step, …
  template <class Block, class Shared>
  DCS_DEVICE double count(Block& b, Shared& sums, const column_tiles& tile, std::int64_t rows, int first, int step) const {
    if (!mask) return static_cast<double>(rows);
    double n = 0;
    for (std::int64_t k = first; k < tile.chunks; k += step) n += static_cast<double>(of_chunk(b, tile, k));
    return column_sum(b, sums, n);
  }
};

}  // namespace detail

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
    const std::int64_t part = b.block() / tile.tiles, packet_index = b.block() % tile.tiles * tile.width + b.thread() % tile.width;
    const std::int64_t channels = tile.packets * V, c = packet_index * V, begin = tile.begin_of(part), count = valid.of_chunk(b, tile, part);
    const int groups = tile.groups(), group = b.thread() / tile.width;
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

namespace detail {

/// A pass over [rows, channels] in which a thread has one packet of four rows, a quarter of all rows apart.
struct norm_pass {
  static constexpr int rows_of_thread = 4;
  std::int64_t rows, packets, stride;
  divider columns;

  norm_pass(std::int64_t row_count, std::int64_t packets_of_row)
      : rows(row_count), packets(packets_of_row), stride(ceil_div(rows, std::int64_t{rows_of_thread})), columns(packets_of_row) {}
  std::int64_t blocks(int threads) const { return ceil_div(stride * packets, std::int64_t{threads}); }
};

}  // namespace detail

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

/// partial[chunk, 0, c] = Σ g and partial[chunk, 1, c] = Σ g · (x − mean) of a chunk's rows; g is dy where y > 0, or everywhere if there is no y.
template <class T, int V>
struct norm_sums_kernel {
  static constexpr const char* name = "norm_sums";
  static constexpr int threads = column_tiles::threads;
  using A = arithmetic_t<T>;
  device_span<const T> x, y, dy;
  device_span<const double> mean;
  device_span<A> partial;
  column_tiles tile;
  detail::valid_rows<A> valid;

  std::int64_t blocks() const { return tile.blocks(); }
  static constexpr std::int64_t shared_bytes() { return column_tiles::shared_bytes<A, V>(); }

  template <class Block>
  DCS_DEVICE void operator()(Block& b) const {
    const std::int64_t part = b.block() / tile.tiles, packet_index = b.block() % tile.tiles * tile.width + b.thread() % tile.width;
    const std::int64_t channels = tile.packets * V, c = packet_index * V, begin = tile.begin_of(part), count = valid.of_chunk(b, tile, part);
    const int groups = tile.groups(), group = b.thread() / tile.width;
    const auto in = b.global(x, "x"), result = b.global(y, "y"), gradient = b.global(dy, "dy");
    packet<A, V> sum, product;
    if (packet_index < tile.packets) {
      const auto center = read_values<V>(b.global(mean, "mean"), c);
      packet<A, V> m;
      DCS_DEVICE_UNROLL
      for (int k = 0; k < V; ++k) m[k] = static_cast<A>(center[k]);
      DCS_DEVICE_UNROLL_BY(2)
      for (std::int64_t r = group; r < count; r += groups) {
        const std::int64_t at = (begin + r) * channels + c;
        auto g = gradient.template read<V>(at);
        const auto v = in.template read<V>(at);
        if (y) {
          const auto mask = result.template read<V>(at);
          DCS_DEVICE_UNROLL
          for (int k = 0; k < V; ++k) g[k] = mask[k] > 0 ? g[k] : A(0);
        }
        DCS_DEVICE_UNROLL
        for (int k = 0; k < V; ++k) sum[k] += g[k], product[k] += g[k] * (v[k] - m[k]);
      }
    }
    tile.merge_groups<V>(b, sum, product, count, [](A& s, A& p, A other_s, A other_p, std::int64_t, std::int64_t) { s += other_s, p += other_p; });
    if (group > 0 || packet_index >= tile.packets) return;
    const auto out = b.global(partial, "partial sums");
    write_values<V>(out, 2 * part * channels + c, sum);
    write_values<V>(out, (2 * part + 1) * channels + c, product);
  }
};

/// dgamma, dbeta, and each channel's numbers m, a, b, c of dx = g · a − (x − m) · b − c: coefficients[0..3, channel].
template <class T>
struct norm_coefficients_kernel {
  static constexpr const char* name = "norm_coefficients";
  static constexpr int threads = 256;
  using A = arithmetic_t<T>;
  device_span<const A> partial;
  device_span<const T> gamma;
  device_span<const double> mean, inverse;
  device_span<T> dgamma, dbeta;
  device_span<A> coefficients;
  std::int64_t rows, channels;
  column_tiles tile;
  detail::valid_rows<A> valid;

  std::int64_t blocks() const { return ceil_div(channels, std::int64_t{8}); }
  static constexpr std::int64_t shared_bytes() { return threads / warp_size * 8 * static_cast<std::int64_t>(sizeof(double)); }

  template <class Block>
  DCS_DEVICE void operator()(Block& b) const {
    const std::int64_t c = b.block() * 8 + b.thread() % 8;
    const int first = b.thread() / 8;
    const auto in = b.global(partial, "partial sums");
    const auto sums = b.template shared<double>(threads / warp_size * 8, "sums of each warp");
    double sum = 0, product = 0;
    if (c < channels)
      for (std::int64_t k = first; k < tile.chunks; k += threads / 8) {
        sum += static_cast<double>(in.read(2 * k * channels + c));
        product += static_cast<double>(in.read((2 * k + 1) * channels + c));
      }
    sum = column_sum(b, sums, sum);
    product = column_sum(b, sums, product);
    const double counted = valid.count(b, sums, tile, rows, first, threads / 8), n = counted > 0 ? counted : 1;
    if (first > 0 || c >= channels) return;
    // The sums were computed with the mean rounded to A.
    const double center = b.global(mean, "mean").read(c), rounded = static_cast<double>(static_cast<A>(center)), off = center - rounded;
    product -= off * sum;
    const double i = b.global(inverse, "inverse deviation").read(c);
    const double scale = static_cast<double>(b.global(gamma, "gamma").read(c)) * i;
    b.global(dgamma, "dgamma").write(c, static_cast<A>(product * i));
    b.global(dbeta, "dbeta").write(c, static_cast<A>(sum));
    const auto out = b.global(coefficients, "coefficients");
    const double slope = scale * i * i * product / n;
    out.write(c, static_cast<A>(center));
    out.write(channels + c, static_cast<A>(scale));
    out.write(2 * channels + c, static_cast<A>(slope));
    out.write(3 * channels + c, static_cast<A>(scale * sum / n - off * slope));
  }
};

/// dx = g · a − (x − m) · b − c, and g itself as the gradient of the residual, as far as they are needed; 0 in padded rows.
template <class T, int V>
struct norm_spread_kernel {
  static constexpr const char* name = "norm_spread";
  static constexpr int threads = 256;
  using A = arithmetic_t<T>;
  device_span<const T> x, y, dy;
  device_span<const A> coefficients;
  device_span<T> dx, dresidual;
  detail::norm_pass pass;
  detail::valid_rows<A> valid;

  std::int64_t blocks() const { return pass.blocks(threads); }
  static constexpr std::int64_t shared_bytes() { return 0; }

  template <class Block>
  DCS_DEVICE void operator()(Block& b) const {
    constexpr int R = detail::norm_pass::rows_of_thread;
    std::int64_t row = b.index();
    const std::int64_t column = pass.columns.split(row) * V, channels = pass.packets * V;
    if (row >= pass.stride) return;
    const auto in = b.global(x, "x"), result = b.global(y, "y"), gradient = b.global(dy, "dy");
    const auto numbers = b.global(coefficients, "coefficients");
    const auto to = b.global(dx, "dx"), to_residual = b.global(dresidual, "gradient of the residual");
    const auto m = read_values<V>(numbers, column), a = read_values<V>(numbers, channels + column);
    const auto d = read_values<V>(numbers, 2 * channels + column), e = read_values<V>(numbers, 3 * channels + column);
    DCS_DEVICE_UNROLL_BY(2)
    for (int j = 0; j < R; ++j) {
      if (row + j * pass.stride >= pass.rows) break;
      const std::int64_t at = (row + j * pass.stride) * channels + column;
      if (!valid.has(b, row + j * pass.stride)) {
        if (dresidual) to_residual.write(at, packet<A, V>{});
        if (dx) to.write(at, packet<A, V>{});
        continue;
      }
      auto g = gradient.template read<V>(at);
      if (y) {
        const auto mask = result.template read<V>(at);
        DCS_DEVICE_UNROLL
        for (int k = 0; k < V; ++k) g[k] = mask[k] > 0 ? g[k] : A(0);
      }
      if (dresidual) to_residual.write(at, g);
      if (dx) {
        const auto v = in.template read<V>(at);
        DCS_DEVICE_UNROLL
        for (int k = 0; k < V; ++k) g[k] = g[k] * a[k] - (v[k] - m[k]) * d[k] - e[k];
        to.write(at, g);
      }
    }
  }
};

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
