// Pooling over square windows. The maximum remembers which tap won (the first of equals, as in PyTorch), and the gradient is gathered by the input, so no two
// threads meet. Padding never wins a maximum and does not count in an average.
#pragma once

#include <dcs/expr/pointwise.hpp>
#include <dcs/ops/conv2d/geometry.hpp>
#include <dcs/ops/reduce/reduce.hpp>

#define DCS_KERNELS <dcs/ops/pool/windows.inl>
#include <dcs/cpu/foreach_isa.inl>

namespace dcs {

DCS_DEFINE_EXTENT_CHECK(pool_rank_mismatch, "dcs::pool: the input must have the four axes N,H,W,C; number of axes");

namespace detail {

template <class S, int K, int Stride, int Padding>
using pool_shape = shape<extent_of<S, 0>, windowed(extent_of<S, 1>, K, Stride, Padding), windowed(extent_of<S, 2>, K, Stride, Padding), extent_of<S, 3>>;

template <class S, int K, int Stride, int Padding>
constexpr void check_pool() {
  (void)pool_rank_mismatch<found<S::rank>, expected<4>, axis<0>>{};
  static_assert(K >= 1 && Stride >= 1 && Padding >= 0 && 2 * Padding <= K, "dcs::pool: padding must be at most half the window");
}

inline cpu::conv2d_geometry pool_geometry(const sizes<4>& n, extent_t k, extent_t stride, extent_t padding) {
  const cpu::conv2d_geometry g{n[0], n[1], n[2], n[3], windowed(n[1], k, stride, padding), windowed(n[2], k, stride, padding), n[3], k, k, stride, padding, 1, 1};
  expect(g.out_h >= 1 && g.out_w >= 1, "dcs::pool: an image of ", n[1], " × ", n[2], " is smaller than the ", k, " × ", k, " window");
  return g;
}

// Pixels of output row `oh`, column `ow`: f(index of input pixel in the image), returns how many.
template <class F>
extent_t for_window(const cpu::conv2d_geometry& g, extent_t oh, extent_t ow, const F& f) {
  extent_t n = 0;
  for (extent_t t = 0; t < g.taps(); ++t) {
    const extent_t h = oh * g.stride - g.padding + t / g.k_w, w = ow * g.stride - g.padding + t % g.k_w;
    if (h < 0 || w < 0 || h >= g.in_h || w >= g.in_w) continue;
    f(h * g.in_w + w);
    ++n;
  }
  return n;
}

}  // namespace detail

/// Maximum over K × K windows. x: shape<N, H, W, C>.
template <int K, int Stride = K, int Padding = 0, operand X>
constexpr auto max_pool2d(const X& x_) {
  using S = shape_t<X>;
  detail::check_pool<S, K, Stride, Padding>();
  using Out = detail::pool_shape<S, K, Stride, Padding>;
  if constexpr (any_probe_v<X>) {
    return probe_result<Out>(eval(x_));
  } else {
    using T = value_t<X>;
    using D = device_t<X>;
    const auto x = eval(x_);
    const auto g = detail::pool_geometry(x.sizes(), K, Stride, Padding);
    auto y = tensor<T, Out, D>::empty({g.batch, g.out_h, g.out_w, g.in_c});
    auto winner = tensor<T, Out, D>::empty(y.sizes());
    const extent_t in_image = g.in_h * g.in_w * g.in_c, out_row = g.out_w * g.in_c;
    cpu::parallel_for(g.batch * g.out_h, [&](extent_t row) {
      DCS_DISPATCH(max_pool_row, g, value(x).data() + row / g.out_h * in_image, row % g.out_h, y.data() + row * out_row, winner.data() + row * out_row);
    });
    return record(
        std::move(y),
        [g, winner, gx = sink_of(x)](const tensor<T, Out, D>& dy) {
          auto dx = tensor<T, S, D>::empty({g.batch, g.in_h, g.in_w, g.in_c});
          const extent_t out_image = g.out_h * g.out_w * g.in_c;
          cpu::parallel_for(g.batch * g.in_h, [&](extent_t row) {
            const extent_t n = row / g.in_h;
            DCS_DISPATCH(max_pool_gradient_row, g, dy.data() + n * out_image, winner.data() + n * out_image, row % g.in_h, dx.data() + row * g.in_w * g.in_c);
          });
          gx.add(std::move(dx));
        },
        x);
  }
}

/// Average over K × K windows, of the pixels inside the image. x: shape<N, H, W, C>.
template <int K, int Stride = K, int Padding = 0, operand X>
constexpr auto avg_pool2d(const X& x_) {
  using S = shape_t<X>;
  detail::check_pool<S, K, Stride, Padding>();
  using Out = detail::pool_shape<S, K, Stride, Padding>;
  if constexpr (any_probe_v<X>) {
    return probe_result<Out>(eval(x_));
  } else {
    using T = value_t<X>;
    using D = device_t<X>;
    const auto x = eval(x_);
    const auto g = detail::pool_geometry(x.sizes(), K, Stride, Padding);
    auto y = tensor<T, Out, D>::zeros({g.batch, g.out_h, g.out_w, g.in_c});
    const extent_t in_image = g.in_h * g.in_w * g.in_c;
    cpu::parallel_for(g.batch * g.out_h * g.out_w, [&](extent_t p) {
      T* to = y.data() + p * g.in_c;
      const T* image = value(x).data() + p / (g.out_h * g.out_w) * in_image;
      const extent_t n = detail::for_window(g, p / g.out_w % g.out_h, p % g.out_w, [&](extent_t pixel) {
        for (extent_t c = 0; c < g.in_c; ++c) to[c] += image[pixel * g.in_c + c];
      });
      for (extent_t c = 0; c < g.in_c; ++c) to[c] /= static_cast<T>(n);
    });
    return record(
        std::move(y),
        [g, in_image, gx = sink_of(x)](const tensor<T, Out, D>& dy) {
          auto dx = tensor<T, S, D>::zeros({g.batch, g.in_h, g.in_w, g.in_c});
          cpu::parallel_for(g.batch, [&](extent_t n) {
            for (extent_t p = 0; p < g.out_h * g.out_w; ++p) {
              const T* from = dy.data() + (n * g.out_h * g.out_w + p) * g.in_c;
              const extent_t taps = detail::for_window(g, p / g.out_w, p % g.out_w, [](extent_t) {});
              detail::for_window(g, p / g.out_w, p % g.out_w, [&](extent_t pixel) {
                T* to = dx.data() + n * in_image + pixel * g.in_c;
                for (extent_t c = 0; c < g.in_c; ++c) to[c] += from[c] / static_cast<T>(taps);
              });
            }
          });
          gx.add(std::move(dx));
        },
        x);
  }
}

/// Mean over height and width: shape<N, 1, 1, C>.
template <operand X>
constexpr auto global_avg_pool(const X& x_) {
  using S = shape_t<X>;
  (void)pool_rank_mismatch<found<S::rank>, expected<4>, axis<0>>{};
  const auto x = eval(x_);
  using Out = shape<extent_of<S, 0>, 1, 1, extent_of<S, 3>>;
  const auto& n = x.sizes();
  note_work<Out>(nullptr, sizes<4>{n[0], 1, 1, n[3]}, work{0, n[0] * n[3] * (n[1] * n[2] + 1)}, x);
  return mean<1, 2>(x);
}

}  // namespace dcs
