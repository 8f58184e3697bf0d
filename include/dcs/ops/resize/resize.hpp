// Resizing feature maps: a sparse linear map along each axis, given by its taps. The gradient is the transposed map, gathered in the same way, so forward and
// backward are one kernel and no two threads write one place.
#pragma once

#include <dcs/expr/pointwise.hpp>

namespace dcs::cpu {

/// Output i of an axis is Σ weight[t] · input[source[t]] over t in [begin[i], begin[i + 1]).
template <class T>
struct axis_taps {
  std::int64_t count = 0;
  std::vector<std::int64_t> begin, source;
  std::vector<T> weight;
};

}  // namespace dcs::cpu

#define DCS_KERNELS <dcs/ops/resize/rows.inl>
#include <dcs/cpu/foreach_isa.inl>

namespace dcs {

/// Where the corner pixels of a bilinear resize lie: `aligned` maps corners to corners (PyTorch's align_corners), `half_pixel` pixel areas to areas.
enum class corners { aligned, half_pixel };

DCS_DEFINE_EXTENT_CHECK(resize_rank_mismatch, "dcs::resize: the input must have the four axes N,H,W,C; number of axes");

namespace detail {

enum class resampling { nearest, aligned, half_pixel };

template <class T>
cpu::axis_taps<T> make_taps(extent_t in, extent_t out, resampling how) {
  cpu::axis_taps<T> a;
  a.count = out;
  a.begin.push_back(0);
  for (extent_t i = 0; i < out; ++i) {
    if (how == resampling::nearest) {
      a.source.push_back(std::min(i * in / out, in - 1));
      a.weight.push_back(T(1));
    } else {
      const T at = how == resampling::aligned ? (out > 1 ? static_cast<T>(i) * (static_cast<T>(in - 1) / static_cast<T>(out - 1)) : T(0))
                                              : std::max(T(0), (static_cast<T>(i) + T(0.5)) * (static_cast<T>(in) / static_cast<T>(out)) - T(0.5));
      const extent_t low = std::min(static_cast<extent_t>(at), in - 1);
      const T fraction = std::min(T(1), at - static_cast<T>(low));
      a.source.push_back(low);
      a.weight.push_back(low + 1 < in ? T(1) - fraction : T(1));
      if (low + 1 < in && fraction > T(0)) a.source.push_back(low + 1), a.weight.push_back(fraction);
    }
    a.begin.push_back(static_cast<extent_t>(a.source.size()));
  }
  return a;
}

template <class T>
cpu::axis_taps<T> transposed(const cpu::axis_taps<T>& a, extent_t in) {
  cpu::axis_taps<T> t;
  t.count = in;
  std::vector<std::vector<std::pair<extent_t, T>>> to(static_cast<std::size_t>(in));
  for (std::size_t i = 0; i + 1 < a.begin.size(); ++i)
    for (auto k = static_cast<std::size_t>(a.begin[i]); k < static_cast<std::size_t>(a.begin[i + 1]); ++k)
      to[static_cast<std::size_t>(a.source[k])].emplace_back(static_cast<extent_t>(i), a.weight[k]);
  t.begin.push_back(0);
  for (const auto& row : to) {
    for (const auto& [i, w] : row) t.source.push_back(i), t.weight.push_back(w);
    t.begin.push_back(static_cast<extent_t>(t.source.size()));
  }
  return t;
}

// y (batch × down.count × across.count × channels) from x (batch × in_h × in_w × channels).
template <class T>
void resize_map(cpu_device, const T* x, extent_t batch, extent_t in_h, extent_t in_w, extent_t channels, const cpu::axis_taps<T>& down,
                const cpu::axis_taps<T>& across, T* y) {
  cpu::parallel_for(batch * down.count, [&](extent_t row) {
    const extent_t n = row / down.count;
    const auto i = static_cast<std::size_t>(row % down.count);
    T* out = y + row * across.count * channels;
    if (down.begin[i] == down.begin[i + 1]) std::fill(out, out + across.count * channels, T(0));
    for (auto t = static_cast<std::size_t>(down.begin[i]); t < static_cast<std::size_t>(down.begin[i + 1]); ++t)
      DCS_DISPATCH(resize_row, across, channels, down.weight[t], x + (n * in_h + down.source[t]) * in_w * channels, out,
                   static_cast<extent_t>(t) > down.begin[i]);
  });
}

template <class T, class D>
[[gnu::noinline]] untyped<T> run_resize(const untyped<T>& x, const sizes<4>& n, extent_t h, extent_t w, resampling how) {
  expect(n[1] >= 1 && n[2] >= 1 && h >= 1 && w >= 1, "dcs::resize: from ", n[1], " × ", n[2], " to ", h, " × ", w, "; expected at least 1 × 1");
  if (n[1] == h && n[2] == w) return x;
  auto down = make_taps<T>(n[1], h, how), across = make_taps<T>(n[2], w, how);
  const auto bytes = [](extent_t count) { return count * static_cast<extent_t>(sizeof(T)); };
  storage y = storage::allocate<D>(bytes(n[0] * h * w * n[3]));
  resize_map(D{}, x.data(), n[0], n[1], n[2], n[3], down, across, static_cast<T*>(y.data()));
  return record_untyped<T>(
      std::move(y), {x.slot}, [n, h, w, bytes, down = std::move(down), across = std::move(across), x = untyped<T>{{}, x.slot}](const storage& dy) {
        storage dx = storage::allocate<D>(bytes(count(n)));
        resize_map(D{}, static_cast<const T*>(dy.data()), n[0], h, w, n[3], transposed(down, n[1]), transposed(across, n[2]), static_cast<T*>(dx.data()));
        x.template add<D>(std::move(dx));
      });
}

template <class Out, class X>
auto resized(const X& x, extent_t h, extent_t w, resampling how) {
  using R = lift_t<Out, X>;
  const auto n = x.sizes();
  untyped<value_t<X>> u;
  erase_into(u, x);
  return restore<R>(run_resize<value_t<X>, device_t<X>>(u, n, h, w, how), {n[0], h, w, n[3]});
}

template <resampling How, class Out, class X>
constexpr auto resize(const X& x, extent_t h, extent_t w) {
  (void)resize_rank_mismatch<found<shape_t<X>::rank>, expected<4>, axis<0>>{};
  if constexpr (any_probe_v<X>) return probe_result<Out>(eval(x));
  else return resized<Out>(eval(x), h, w, How);
}

template <corners C>
inline constexpr resampling resampling_of = C == corners::aligned ? resampling::aligned : resampling::half_pixel;
template <class X, extent_t H, extent_t W>
using resize_shape = shape<extent_of<shape_t<X>, 0>, H, W, extent_of<shape_t<X>, 3>>;

}  // namespace detail

/// Bilinear resize to H × W. x: shape<N, h, w, C>.
template <corners C, extent_t H, extent_t W, operand X>
constexpr auto resize_bilinear(const X& x) {
  static_assert(H >= 1 && W >= 1, "dcs::resize_bilinear: height and width are static and at least 1; resize_bilinear_like takes them from a map");
  return detail::resize<detail::resampling_of<C>, detail::resize_shape<X, H, W>>(x, H, W);
}
/// Bilinear resize to the height and width of another map, in type and value.
template <corners C, operand X, operand Y>
constexpr auto resize_bilinear_like(const X& x, const Y& other) {
  const auto o = eval(other);
  return detail::resize<detail::resampling_of<C>, detail::resize_shape<X, extent_of<shape_t<Y>, 1>, extent_of<shape_t<Y>, 2>>>(x, o.sizes()[1], o.sizes()[2]);
}
/// Nearest-neighbour resize (pixel ⌊i · in / out⌋) to the height and width of another map.
template <operand X, operand Y>
constexpr auto resize_nearest_like(const X& x, const Y& other) {
  const auto o = eval(other);
  return detail::resize<detail::resampling::nearest, detail::resize_shape<X, extent_of<shape_t<Y>, 1>, extent_of<shape_t<Y>, 2>>>(x, o.sizes()[1],
                                                                                                                                 o.sizes()[2]);
}

}  // namespace dcs
