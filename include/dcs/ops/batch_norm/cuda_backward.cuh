// Batch norm's backward kernels; see cuda.cuh.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/ops/batch_norm/cuda_rows.cuh>

DCS_EXACT_MATH
namespace dcs::cuda {

namespace detail {

/// The gradient before a ReLU whose results are `result`: g where they are above 0. `relu`: whether there was one.
template <int V, class Global, class A>
DCS_DEVICE void before_relu(bool relu, const Global& result, std::int64_t at, packet<A, V>& g) {
  if (!relu) return;
  const auto y = result.template read<V>(at);
  DCS_DEVICE_UNROLL
  for (int k = 0; k < V; ++k) g[k] = y[k] > 0 ? g[k] : A(0);
}

}  // namespace detail

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
    const auto place = tile.template place_of<V>(b);
    const std::int64_t begin = tile.begin_of(place.chunk), count = valid.of_chunk(b, tile, place.chunk);
    const auto in = b.global(x, "x"), result = b.global(y, "y"), gradient = b.global(dy, "dy");
    packet<A, V> sum, product;
    if (place.packet_index < tile.packets) {
      const auto center = read_values<V>(b.global(mean, "mean"), place.channel);
      packet<A, V> m;
      DCS_DEVICE_UNROLL
      for (int k = 0; k < V; ++k) m[k] = static_cast<A>(center[k]);
      DCS_DEVICE_UNROLL_BY(2)
      for (std::int64_t r = place.group; r < count; r += tile.groups()) {
        const std::int64_t at = (begin + r) * place.channels + place.channel;
        auto g = gradient.template read<V>(at);
        const auto v = in.template read<V>(at);
        detail::before_relu(static_cast<bool>(y), result, at, g);
        DCS_DEVICE_UNROLL
        for (int k = 0; k < V; ++k) sum[k] += g[k], product[k] += g[k] * (v[k] - m[k]);
      }
    }
    tile.write_sums(b, b.global(partial, "partial sums"), place, count, sum, product);
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
    double sum, product;
    sum_chunks(b, sums, in, tile.chunks, channels, c, sum, product);
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
      detail::before_relu(static_cast<bool>(y), result, at, g);
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

}  // namespace dcs::cuda

#include <dcs/core/header_end.inl>
