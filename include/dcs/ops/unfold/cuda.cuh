// Windows along one axis as kernels of the block interface: a thread has a packet of a tap's channels, and neighbouring threads have neighbouring
// packets of what they write. Folding, a thread reads the taps that were copied from its packet, in their order.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/cuda/device.hpp>
#include <dcs/ops/unfold/geometry.hpp>

DCS_EXACT_MATH
namespace dcs::cuda {

/// y = the taps of each window of x, zeros outside of x.
template <class T, int V>
struct unfold_kernel {
  static constexpr const char* name = "unfold";
  static constexpr int threads = 256;
  device_span<const T> x;
  device_span<T> y;
  divider packets, taps, places, windows;  // of a run; of a window; groups · inner; of an image
  std::int64_t in, stride, padding, dilation;

  std::int64_t blocks() const { return ceil_div(y.size / V, std::int64_t{threads}); }
  static constexpr std::int64_t shared_bytes() { return 0; }

  template <class Block>
  DCS_DEVICE void operator()(Block& b) const {
    std::int64_t rest = b.index();
    const std::int64_t to = rest * V;
    if (to >= y.size) return;
    const std::int64_t column = packets.split(rest), tap = taps.split(rest), place = places.split(rest), window = windows.split(rest);
    const std::int64_t at = window * stride - padding + tap * dilation;
    packet<arithmetic_t<T>, V> v;
    if (at >= 0 && at < in) v = b.global(x, "x").template read<V>((((rest * in + at) * places.divisor() + place) * packets.divisor() + column) * V);
    b.global(y, "y").write(to, v);
  }
};

/// x = Σ of the taps of y that were copied from an element, + shift[channel] where there is a shift.
template <class T, int V>
struct fold_kernel {
  static constexpr const char* name = "fold";
  static constexpr int threads = 256;
  device_span<const T> y, shift;
  device_span<T> x;
  divider packets, places, positions;  // of a run; groups · inner; of an image
  std::int64_t groups, windows, kernel, padding, dilation;
  divider stride;

  std::int64_t blocks() const { return ceil_div(x.size / V, std::int64_t{threads}); }
  static constexpr std::int64_t shared_bytes() { return 0; }

  template <class Block>
  DCS_DEVICE void operator()(Block& b) const {
    std::int64_t rest = b.index();
    const std::int64_t to = rest * V;
    if (to >= x.size) return;
    const std::int64_t column = packets.split(rest), place = places.split(rest), position = positions.split(rest);
    const auto in = b.global(y, "y");
    packet<arithmetic_t<T>, V> sum;
    if (shift) sum = b.global(shift, "shift").template read<V>((place % groups * packets.divisor() + column) * V);
    for (std::int64_t k = 0; k < kernel; ++k) {
      std::int64_t window = position + padding - k * dilation;
      if (window < 0 || stride.split(window) != 0 || window >= windows) continue;  // split leaves the quotient
      const auto v = in.template read<V>(((((rest * windows + window) * places.divisor() + place) * kernel + k) * packets.divisor() + column) * V);
      DCS_DEVICE_UNROLL
      for (int i = 0; i < V; ++i) sum[i] += v[i];
    }
    b.global(x, "x").write(to, sum);
  }
};

template <class T, gpu D>
void unfold(D, const unfold_geometry& g, const T* x, T* y) {
  with_packets<T>(g.run(), [&](auto v) {
    launch(D{}, unfold_kernel<T, v>{{x, g.inputs()},
                                    {y, g.outputs()},
                                    divider(g.run() / v),
                                    divider(g.kernel),
                                    divider(g.groups * g.inner),
                                    divider(g.out),
                                    g.in,
                                    g.stride,
                                    g.padding,
                                    g.dilation});
  });
}
template <class T, gpu D>
void fold(D, const unfold_geometry& g, const T* y, const T* shift, T* x) {
  with_packets<T>(g.run(), [&](auto v) {
    launch(D{}, fold_kernel<T, v>{{y, g.outputs()},
                                  {shift, shift ? g.channels : 0},
                                  {x, g.inputs()},
                                  divider(g.run() / v),
                                  divider(g.groups * g.inner),
                                  divider(g.in),
                                  g.groups,
                                  g.out,
                                  g.kernel,
                                  g.padding,
                                  g.dilation,
                                  divider(g.stride)});
  });
}

}  // namespace dcs::cuda

#include <dcs/core/header_end.inl>
