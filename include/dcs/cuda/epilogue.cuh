// What happens to a finished row of a product or a convolution: y = act(y · scale + shift + residual). Part of a kernel of the library's own, or a
// kernel by itself after a call of cuDNN or cuBLASLt that does not support all of it.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/cpu/gemm.hpp>
#include <dcs/cuda/device.hpp>

DCS_EXACT_MATH
namespace dcs::cuda {

namespace detail {

// The epilogue with memory of the device as spans.
template <class T>
struct epilogue_spans {
  using A = arithmetic_t<T>;
  device_span<const T> scale, shift, residual;
  bool relu;

  epilogue_spans(const cpu::epilogue<T>& e, std::int64_t rows, std::int64_t channels)
      : scale{e.scale, channels}, shift{e.shift, channels}, residual{e.residual, rows * channels}, relu(e.relu) {
    expect(!e.residual || e.residual_stride == channels, "dcs::cuda: rows of the residual are ", e.residual_stride, " elements apart; expected the ",
           channels, " channels");
  }

  // Applies it to the packet at `at`, whose first channel is `column`.
  template <int V, class Block>
  DCS_DEVICE void finish(Block& b, packet<A, V>& y, std::int64_t at, std::int64_t column) const {
    if (scale) {
      const auto p = b.global(scale, "scale").template read<V>(column);
      DCS_DEVICE_UNROLL
      for (int k = 0; k < V; ++k) y[k] *= p[k];
    }
    if (shift) {
      const auto p = b.global(shift, "shift").template read<V>(column);
      DCS_DEVICE_UNROLL
      for (int k = 0; k < V; ++k) y[k] += p[k];
    }
    if (residual) {
      const auto p = b.global(residual, "residual").template read<V>(at);
      DCS_DEVICE_UNROLL
      for (int k = 0; k < V; ++k) y[k] += p[k];
    }
    if (relu) {
      DCS_DEVICE_UNROLL
      for (int k = 0; k < V; ++k) y[k] = y[k] > A(0) ? y[k] : A(0);
    }
  }
};

}  // namespace detail

/// y = act(y · scale + shift + residual), in place.
template <class T, int V>
struct epilogue_kernel {
  static constexpr const char* name = "epilogue";
  static constexpr int threads = 256;
  device_span<T> y;
  detail::epilogue_spans<T> epilogue;
  divider packets;

  std::int64_t blocks() const { return ceil_div(y.size / V, std::int64_t{threads}); }
  static constexpr std::int64_t shared_bytes() { return 0; }

  template <class Block>
  DCS_DEVICE void operator()(Block& b) const {
    std::int64_t i = b.index();
    const std::int64_t at = i * V;
    if (at >= y.size) return;
    const std::int64_t column = packets.split(i) * V;
    const auto out = b.global(y, "y");
    auto p = out.template read<V>(at);
    epilogue.template finish<V>(b, p, at, column);
    out.write(at, p);
  }
};

/// y = act(y · scale + shift + residual) for `rows` of `channels`, in place.
template <class T, gpu D>
void finish(D, std::int64_t rows, std::int64_t channels, const cpu::epilogue<T>& e, T* y) {
  if (!e.any()) return;
  with_packets<T>(channels, [&](auto v) {
    launch(D{}, epilogue_kernel<T, decltype(v)::value>{{y, rows * channels}, {e, rows, channels}, divider(channels / v)});
  });
}

}  // namespace dcs::cuda

#include <dcs/core/header_end.inl>
