// Pixel-adaptive fusion as kernels of the block interface: one pass over memory, forward and backward. A group of up to 32 lanes has a pixel, each
// lane 16 bytes of every map at a time; each lane computes the softmax over the K logits itself, which is cheaper than exchanging it. The gradient of
// the logits is a sum within the group: every element is written once, and the order is fixed.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/cuda/device.hpp>
#include <dcs/expr/scalar.hpp>

DCS_EXACT_MATH
namespace dcs::cuda {

namespace detail {

template <class A, int K, class Logits>
DCS_DEVICE inline void softmax_of_pixel(const Logits& logits, std::int64_t pixel, A* w) {
  A top = logits.read(pixel * K), sum = 0;
  w[0] = top;
  DCS_DEVICE_UNROLL
  for (int k = 1; k < K; ++k) {
    w[k] = logits.read(pixel * K + k);
    top = w[k] > top ? w[k] : top;
  }
  DCS_DEVICE_UNROLL
  for (int k = 0; k < K; ++k) sum += w[k] = lane::exp(w[k] - top);
  DCS_DEVICE_UNROLL
  for (int k = 0; k < K; ++k) w[k] /= sum;
}

// The number of lanes for a pixel of `packets`: a power of two, at most a warp.
constexpr int pixel_lanes(std::int64_t packets) {
  int lanes = 1;
  while (lanes < warp_size && lanes < packets) lanes *= 2;
  return lanes;
}

}  // namespace detail

/// out[p, c] = Σ_k softmax(logits[p])_k · maps[k][p, c]; V channels at once.
template <class T, int K, int V>
struct weighted_sum_forward_kernel {
  static constexpr const char* name = "weighted_sum_forward";
  static constexpr int threads = 256;
  device_span<const T> logits;
  device_span<const T> maps[K];
  device_span<T> out;
  std::int64_t pixels, channels;
  int group = detail::pixel_lanes(channels / V);

  std::int64_t blocks() const { return ceil_div(pixels, std::int64_t{threads / group}); }
  static constexpr std::int64_t shared_bytes() { return 0; }

  template <class Block>
  DCS_DEVICE void operator()(Block& b) const {
    using A = arithmetic_t<T>;
    const std::int64_t pixel = b.index() / group;
    if (pixel >= pixels) return;
    A w[K];
    detail::softmax_of_pixel<A, K>(b.global(logits, "logits"), pixel, w);
    const auto y = b.global(out, "out");
    for (std::int64_t c = (b.thread() % group) * V; c < channels; c += group * V) {
      packet<A, V> sum;
      DCS_DEVICE_UNROLL
      for (int k = 0; k < K; ++k) {
        const auto x = b.global(maps[k], "map").template read<V>(pixel * channels + c);
        DCS_DEVICE_UNROLL
        for (int i = 0; i < V; ++i) sum[i] += w[k] * x[i];
      }
      y.write(pixel * channels + c, sum);
    }
  }
};

/// dmap_k = w_k · dy; dlogit_k = w_k · (s_k − Σ w_j s_j) with s_k = Σ_c dy · map_k. Gradients that are not needed have no memory.
template <class T, int K, int V>
struct weighted_sum_backward_kernel {
  static constexpr const char* name = "weighted_sum_backward";
  static constexpr int threads = 256;
  device_span<const T> logits;
  device_span<const T> maps[K];
  device_span<const T> dy;
  device_span<T> dlogits;
  device_span<T> dmaps[K];
  std::int64_t pixels, channels;
  int group = detail::pixel_lanes(channels / V);

  std::int64_t blocks() const { return ceil_div(pixels, std::int64_t{threads / group}); }
  static constexpr std::int64_t shared_bytes() { return 0; }

  template <class Block>
  DCS_DEVICE void operator()(Block& b) const {
    using A = arithmetic_t<T>;
    const std::int64_t at = b.index() / group, pixel = at < pixels ? at : pixels - 1;  // every lane takes part in the sums
    A w[K], s[K] = {};
    detail::softmax_of_pixel<A, K>(b.global(logits, "logits"), pixel, w);
    const auto gradient = b.global(dy, "dy");
    for (std::int64_t c = (b.thread() % group) * V; at < pixels && c < channels; c += group * V) {
      const auto g = gradient.template read<V>(pixel * channels + c);
      DCS_DEVICE_UNROLL
      for (int k = 0; k < K; ++k) {
        const auto x = b.global(maps[k], "map").template read<V>(pixel * channels + c);
        packet<A, V> d;
        DCS_DEVICE_UNROLL
        for (int i = 0; i < V; ++i) s[k] += g[i] * x[i], d[i] = w[k] * g[i];
        if (dmaps[k]) b.global(dmaps[k], "gradient of a map").write(pixel * channels + c, d);
      }
    }
    A mean = 0;
    DCS_DEVICE_UNROLL
    for (int k = 0; k < K; ++k) {
      for (int m = group / 2; m > 0; m /= 2) s[k] += b.shuffle_xor(s[k], m);
      mean += w[k] * s[k];
    }
    if (dlogits && at < pixels && b.thread() % group == 0) {
      const auto d = b.global(dlogits, "gradient of the logits");
      DCS_DEVICE_UNROLL
      for (int k = 0; k < K; ++k) d.write(pixel * K + k, w[k] * (s[k] - mean));
    }
  }
};

template <int K, class T, gpu D>
void weighted_sum_forward(D, const T* logits, const T* const* maps, T* out, std::int64_t pixels, std::int64_t channels) {
  const std::int64_t n = pixels * channels;
  with_packets<T>(channels, [&](auto v) {
    weighted_sum_forward_kernel<T, K, decltype(v)::value> kernel{{logits, pixels * K}, {}, {out, n}, pixels, channels};
    for (int k = 0; k < K; ++k) kernel.maps[k] = {maps[k], n};
    launch(D{}, kernel);
  });
}
/// Gradients that are not needed are null.
template <int K, class T, gpu D>
void weighted_sum_backward(D, const T* logits, const T* const* maps, const T* dy, T* dlogits, T* const* dmaps, std::int64_t pixels,
                           std::int64_t channels) {
  const std::int64_t n = pixels * channels;
  with_packets<T>(channels, [&](auto v) {
    weighted_sum_backward_kernel<T, K, decltype(v)::value> kernel{{logits, pixels * K}, {}, {dy, n}, {dlogits, pixels * K}, {}, pixels, channels};
    for (int k = 0; k < K; ++k) kernel.maps[k] = {maps[k], n}, kernel.dmaps[k] = {dmaps[k], n};
    launch(D{}, kernel);
  });
}

}  // namespace dcs::cuda

#include <dcs/core/header_end.inl>
