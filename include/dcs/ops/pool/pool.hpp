// Pooling over square windows. The maximum stores the index of the tap that it came from (the first of equals, as in PyTorch), and the gradient is
// computed for each pixel of the input, so that no two threads write one element. Padding is never a maximum and not counted in an average. A NaN is
// the maximum of its window, the last of several.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/expr/pointwise.hpp>
#include <dcs/ops/pool/cpu.hpp>
#include <dcs/ops/reduce/reduce.hpp>

DCS_EXACT_MATH
namespace dcs {

template <class Found, class Expected, class Axis>
struct pool_rank_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::pool: the input must have the four axes N,H,W,C; number of axes");
};
template <class Found, class Expected, class Axis>
struct pool_padding_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::pool: padding must be at most half the window");
};

namespace detail {

template <class S, int K, int Stride, int Padding>
using pool_shape =
    shape<extent_of<S, 0>, windowed(extent_of<S, 1>, K, Stride, Padding), windowed(extent_of<S, 2>, K, Stride, Padding), extent_of<S, 3>>;

template <class S, int K, int Stride, int Padding>
constexpr void check_pool() {
  (void)pool_rank_mismatch<found<S::rank>, expected<4>, axis<0>>{};
  static_assert(K >= 1 && Stride >= 1 && Padding >= 0, "dcs::pool: window and stride are at least 1, padding at least 0");
  (void)pool_padding_mismatch<found<Padding>, expected<at_most(Padding, K / 2)>, axis<1>>{};
  static_assert(windowed_fits(extent_of<S, 1>, K, Stride, Padding, 1) && windowed_fits(extent_of<S, 2>, K, Stride, Padding, 1),
                "dcs::pool: a chain of windows over a named extent is beyond what its type can say: as<shape<...>> gives it a new name");
}

inline cpu::conv2d_geometry pool_geometry(const sizes<4>& n, extent_t k, extent_t stride, extent_t padding) {
  const cpu::conv2d_geometry g{n[0],   n[1],    n[2], n[3], windowed(n[1], k, stride, padding), windowed(n[2], k, stride, padding), n[3], k, k,
                               stride, padding, 1,    1};
  expect_inner("dcs::pool", n);
  expect(g.out_h >= 1 && g.out_w >= 1, "dcs::pool: an image of ", n[1], " × ", n[2], " is smaller than the ", k, " × ", k, " window");
  return g;
}

}  // namespace detail

/// Maximum over K × K windows. x: shape<N, H, W, C>.
/// PyTorch: torch.nn.functional.max_pool2d
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
    static_assert(sizeof(T) > 2 || K <= 16, "dcs::max_pool2d: the number of a tap, kept in an element, is exact up to 16 x 16 taps in 16 bits");
    const auto x = eval(x_);
    const auto g = detail::pool_geometry(x.sizes(), K, Stride, Padding);
    auto y = tensor_of<Out, X>::empty({g.batch, g.out_h, g.out_w, g.in_c});
    auto winner = tensor<T, Out, D>::empty(y.sizes());
    if (y.size() > 0) max_pool_forward(D{}, g, value(x).data(), y.data(), winner.data());
    return record(
        std::move(y),
        [g, winner, gx = sink_of(x)](const tensor<T, Out, D>& dy) {
          auto dx = tensor<T, S, D>::empty({g.batch, g.in_h, g.in_w, g.in_c});
          if (dx.size() > 0) max_pool_backward(D{}, g, dy.data(), winner.data(), dx.data());
          gx.add(std::move(dx));
        },
        x);
  }
}

/// Average over K × K windows, of the pixels inside the image. x: shape<N, H, W, C>.
/// PyTorch: torch.nn.functional.avg_pool2d(count_include_pad=False)
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
    auto y = tensor_of<Out, X>::empty({g.batch, g.out_h, g.out_w, g.in_c});
    if (y.size() > 0) avg_pool_forward(D{}, g, value(x).data(), y.data());
    return record(
        std::move(y),
        [g, gx = sink_of(x)](const tensor<T, Out, D>& dy) {
          auto dx = tensor<T, S, D>::empty({g.batch, g.in_h, g.in_w, g.in_c});
          if (dx.size() > 0) avg_pool_backward(D{}, g, dy.data(), dx.data());
          gx.add(std::move(dx));
        },
        x);
  }
}

/// Mean over height and width: shape<N, 1, 1, C>.
/// PyTorch: torch.nn.functional.adaptive_avg_pool2d(1)
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

#include <dcs/core/header_end.inl>
