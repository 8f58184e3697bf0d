// Layer norm as kernels of the block interface. Forward, with or without a residual, and the gradient of the input are one launch each: rows are
// divided among lanes or blocks as cuda/rows.hpp says, mean and variance are computed in two passes over registers (or cache). The gradients of gamma
// and beta are sums down the columns, in tiles, whose chunks a second kernel adds in double.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/cuda/column_tiles.hpp>
#include <dcs/cuda/rows.hpp>
#include <dcs/expr/scalar.hpp>

DCS_EXACT_MATH
namespace dcs::cuda {

namespace detail {

// A thread's part of its row: R packets of V in each lane's registers or, where R = 0, a whole block for the row.
template <class A, int V, int R>
struct row_share {
  static constexpr int threads = 256;
  std::int64_t rows, n;
  int lanes = R > 0 ? row_lanes(n / V) : threads;

  std::int64_t blocks() const { return ceil_div(rows, std::int64_t{threads / lanes}); }
  static constexpr std::int64_t shared_bytes() { return R > 0 ? 0 : threads / warp_size * static_cast<std::int64_t>(sizeof(A)); }

  /// f(column, r) for every packet of this thread; r numbers those in registers.
  template <class Block, class F>
  DCS_DEVICE void each(Block& b, const F& f) const {
    const int first = b.thread() % lanes * V, step = lanes * V;
    if constexpr (R > 0) {
      DCS_DEVICE_UNROLL
      for (int r = 0; r < R; ++r)
        if (first + r * step < n) f(std::int64_t{first + r * step}, r);
    } else {
      for (std::int64_t c = first; c < n; c += step) f(c, 0);
    }
  }
  /// Shared memory of sum().
  template <class Block>
  DCS_DEVICE auto partial(Block& b) const {
    return b.template shared<A>(R > 0 ? 0 : threads / warp_size, "sum of each warp");
  }
  /// Sum over the threads of the row, in each of them.
  template <class Block, class Shared>
  DCS_DEVICE A sum(Block& b, const Shared& partial, A v) const {
    if constexpr (R > 0)
      return lanes_sum(b, v, lanes);
    else
      return block_sum(b, partial, v);
  }
};

}  // namespace detail

/// y = (s − mean) / sqrt(variance + eps) · gamma + beta of rows s = x + residual (where there is one), and s itself where there is a residual; mean
/// and inverse deviation of each row.
template <class T, int V, int R>
struct layer_norm_forward_kernel {
  static constexpr const char* name = "layer_norm_forward";
  static constexpr int threads = 256;
  using A = arithmetic_t<T>;
  device_span<const T> x, residual, gamma, beta;
  device_span<T> sum, y;
  device_span<double> statistics;
  detail::row_share<A, V, R> share;
  A eps;

  std::int64_t blocks() const { return share.blocks(); }
  static constexpr std::int64_t shared_bytes() { return detail::row_share<A, V, R>::shared_bytes(); }

  template <class Block>
  DCS_DEVICE void operator()(Block& b) const {
    const std::int64_t at = b.index() / share.lanes, row = at < share.rows ? at : share.rows - 1, begin = row * share.n;
    const A n = static_cast<A>(share.n);
    const auto in = b.global(x, "x"), more = b.global(residual, "residual");
    const auto partial = share.partial(b);
    packet<A, V> kept[R > 0 ? R : 1];
    const auto load = [&](std::int64_t c) {
      auto p = in.template read<V>(begin + c);
      if (residual) {
        const auto q = more.template read<V>(begin + c);
        DCS_DEVICE_UNROLL
        for (int k = 0; k < V; ++k) p[k] += q[k];
      }
      return p;
    };
    if constexpr (R > 0) share.each(b, [&](std::int64_t c, int r) { kept[r] = load(c); });
    const auto values = [&](std::int64_t c, int r) { return R > 0 ? kept[r] : load(c); };
    A total = 0;
    share.each(b, [&](std::int64_t c, int r) {
      const auto p = values(c, r);
      DCS_DEVICE_UNROLL
      for (int k = 0; k < V; ++k) total += p[k];
    });
    const A mean = share.sum(b, partial, total) / n;
    total = 0;
    share.each(b, [&](std::int64_t c, int r) {
      const auto p = values(c, r);
      DCS_DEVICE_UNROLL
      for (int k = 0; k < V; ++k) total += (p[k] - mean) * (p[k] - mean);
    });
    const A inverse = 1 / lane::square_root(share.sum(b, partial, total) / n + eps);
    if (at >= share.rows) return;
    const auto numbers = b.global(statistics, "statistics");
    if (b.thread() % share.lanes == 0) numbers.write(2 * row, static_cast<double>(mean)), numbers.write(2 * row + 1, static_cast<double>(inverse));
    const auto scale = b.global(gamma, "gamma"), shift = b.global(beta, "beta");
    const auto out = b.global(y, "y"), out_sum = b.global(sum, "sum");
    share.each(b, [&](std::int64_t c, int r) {
      auto p = values(c, r);
      if (residual) out_sum.write(begin + c, p);
      const auto g = scale.template read<V>(c), s = shift.template read<V>(c);
      DCS_DEVICE_UNROLL
      for (int k = 0; k < V; ++k) p[k] = (p[k] - mean) * inverse * g[k] + s[k];
      out.write(begin + c, p);
    });
  }
};

/// dx = (w − mean(w) − h · mean(w · h)) · inverse of rows, with w = dy · gamma and h = (x − mean) · inverse.
template <class T, int V, int R>
struct layer_norm_backward_kernel {
  static constexpr const char* name = "layer_norm_backward";
  static constexpr int threads = 256;
  using A = arithmetic_t<T>;
  device_span<const T> x, dy, gamma;
  device_span<const double> statistics;
  device_span<T> dx;
  detail::row_share<A, V, R> share;

  std::int64_t blocks() const { return share.blocks(); }
  static constexpr std::int64_t shared_bytes() { return detail::row_share<A, V, R>::shared_bytes(); }

  template <class Block>
  DCS_DEVICE void operator()(Block& b) const {
    const std::int64_t at = b.index() / share.lanes, row = at < share.rows ? at : share.rows - 1, begin = row * share.n;
    const auto in = b.global(x, "x"), gradient = b.global(dy, "dy"), scale = b.global(gamma, "gamma");
    const auto numbers = b.global(statistics, "statistics");
    const A mean = static_cast<A>(numbers.read(2 * row)), inverse = static_cast<A>(numbers.read(2 * row + 1));
    const auto partial = share.partial(b);
    packet<A, V> kept_w[R > 0 ? R : 1], kept_h[R > 0 ? R : 1];
    const auto load = [&](std::int64_t c, packet<A, V>& w, packet<A, V>& h) {
      w = gradient.template read<V>(begin + c), h = in.template read<V>(begin + c);
      const auto g = scale.template read<V>(c);
      DCS_DEVICE_UNROLL
      for (int k = 0; k < V; ++k) w[k] *= g[k], h[k] = (h[k] - mean) * inverse;
    };
    A sum = 0, product = 0;
    share.each(b, [&](std::int64_t c, int r) {
      load(c, kept_w[r], kept_h[r]);
      DCS_DEVICE_UNROLL
      for (int k = 0; k < V; ++k) sum += kept_w[r][k], product += kept_w[r][k] * kept_h[r][k];
    });
    sum = share.sum(b, partial, sum) / static_cast<A>(share.n);
    product = share.sum(b, partial, product) / static_cast<A>(share.n);
    if (at >= share.rows) return;
    const auto out = b.global(dx, "dx");
    share.each(b, [&](std::int64_t c, int r) {
      if constexpr (R == 0) load(c, kept_w[r], kept_h[r]);
      packet<A, V> d;
      DCS_DEVICE_UNROLL
      for (int k = 0; k < V; ++k) d[k] = (kept_w[r][k] - sum - kept_h[r][k] * product) * inverse;
      out.write(begin + c, d);
    });
  }
};

/// partial[chunk, 0, c] = Σ dy · h and partial[chunk, 1, c] = Σ dy of a chunk's rows.
template <class T, int V>
struct layer_norm_sums_kernel {
  static constexpr const char* name = "layer_norm_sums";
  static constexpr int threads = column_tiles::threads;
  using A = arithmetic_t<T>;
  device_span<const T> x, dy;
  device_span<const double> statistics;
  device_span<A> partial;
  column_tiles tile;

  std::int64_t blocks() const { return tile.blocks(); }
  static constexpr std::int64_t shared_bytes() { return column_tiles::shared_bytes<A, V>(); }

  template <class Block>
  DCS_DEVICE void operator()(Block& b) const {
    const auto place = tile.template place_of<V>(b);
    const std::int64_t begin = tile.begin_of(place.chunk), count = tile.rows_of(place.chunk);
    const auto in = b.global(x, "x"), gradient = b.global(dy, "dy");
    const auto numbers = b.global(statistics, "statistics");
    packet<A, V> product, sum;
    if (place.packet_index < tile.packets) {
      DCS_DEVICE_UNROLL_BY(2)
      for (std::int64_t r = place.group; r < count; r += tile.groups()) {
        const std::int64_t row = begin + r, at = row * place.channels + place.channel;
        const auto g = gradient.template read<V>(at), v = in.template read<V>(at);
        const A mean = static_cast<A>(numbers.read(2 * row)), inverse = static_cast<A>(numbers.read(2 * row + 1));
        DCS_DEVICE_UNROLL
        for (int k = 0; k < V; ++k) sum[k] += g[k], product[k] += g[k] * ((v[k] - mean) * inverse);
      }
    }
    tile.write_sums(b, b.global(partial, "partial sums"), place, count, product, sum);
  }
};

/// dgamma and dbeta from the sums of the chunks.
template <class T>
struct layer_norm_parameters_kernel {
  static constexpr const char* name = "layer_norm_parameters";
  static constexpr int threads = 256;
  using A = arithmetic_t<T>;
  device_span<const A> partial;
  device_span<T> dgamma, dbeta;
  std::int64_t channels, chunks;

  std::int64_t blocks() const { return ceil_div(channels, std::int64_t{8}); }
  static constexpr std::int64_t shared_bytes() { return threads / warp_size * 8 * static_cast<std::int64_t>(sizeof(double)); }

  template <class Block>
  DCS_DEVICE void operator()(Block& b) const {
    const std::int64_t c = b.block() * 8 + b.thread() % 8;
    const auto sums = b.template shared<double>(threads / warp_size * 8, "sums of each warp");
    double product, sum;
    sum_chunks(b, sums, b.global(partial, "partial sums"), chunks, channels, c, product, sum);
    if (b.thread() >= 8 || c >= channels) return;
    b.global(dgamma, "dgamma").write(c, static_cast<A>(product));
    b.global(dbeta, "dbeta").write(c, static_cast<A>(sum));
  }
};

template <class T, gpu D>
void layer_norm_forward(D, const T* x, const T* residual, const T* gamma, const T* beta, double eps, T* sum, T* y, double* statistics,
                        std::int64_t rows, std::int64_t n) {
  const std::int64_t size = rows * n;
  detail::with_row_share<T>(n, [&](auto v, auto r) {
    launch(D{}, layer_norm_forward_kernel<T, v, r>{{x, size},
                                                   {residual, size},
                                                   {gamma, n},
                                                   {beta, n},
                                                   {residual ? sum : nullptr, size},
                                                   {y, size},
                                                   {statistics, 2 * rows},
                                                   {rows, n},
                                                   static_cast<arithmetic_t<T>>(eps)});
  });
}

/// dx is null where it is not needed.
template <class T, gpu D>
void layer_norm_backward(D, const T* x, const T* dy, const T* gamma, const double* statistics, T* dx, T* dgamma, T* dbeta, std::int64_t rows,
                         std::int64_t n) {
  using A = arithmetic_t<T>;
  const std::int64_t size = rows * n;
  if (dx)
    detail::with_row_share<T>(n, [&](auto v, auto r) {
      launch(D{}, layer_norm_backward_kernel<T, v, r>{{x, size}, {dy, size}, {gamma, n}, {statistics, 2 * rows}, {dx, size}, {rows, n}});
    });
  with_packets<T>(n, [&](auto v) {
    const column_tiles tile(rows, n / v);
    const device_scratch<A, D> partial(2 * tile.chunks * n);
    launch(D{}, layer_norm_sums_kernel<T, v>{{x, size}, {dy, size}, {statistics, 2 * rows}, partial.span(), tile});
    launch(D{}, layer_norm_parameters_kernel<T>{partial.span(), {dgamma, n}, {dbeta, n}, n, tile.chunks});
  });
}

}  // namespace dcs::cuda

#include <dcs/core/header_end.inl>
