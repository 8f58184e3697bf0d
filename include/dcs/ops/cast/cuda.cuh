// Conversion between element types on a GPU: a thread has as many elements as 16 bytes of the wider type hold.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/cuda/device.hpp>

DCS_EXACT_MATH
namespace dcs::cuda {

template <class From, class To, int V>
struct cast_kernel {
  static constexpr const char* name = "cast";
  static constexpr int threads = 256;
  device_span<const From> x;
  device_span<To> y;

  std::int64_t blocks() const { return ceil_div(ceil_div(x.size, std::int64_t{V}), std::int64_t{threads}); }
  static constexpr std::int64_t shared_bytes() { return 0; }

  template <class Block>
  DCS_DEVICE void operator()(Block& b) const {
    const std::int64_t i = b.index() * V;
    if (i >= x.size) return;
    const auto in = b.global(x, "x");
    const auto out = b.global(y, "y");
    const auto p = in.template read<V>(i);
    packet<arithmetic_t<To>, V> q;
    DCS_DEVICE_UNROLL
    for (int k = 0; k < V; ++k) q[k] = convert_number<arithmetic_t<To>>(p[k]);
    out.write(i, q);
  }
};

template <class From, class To, gpu D>
void convert(D, const From* x, std::int64_t n, To* y) {
  constexpr int v = packet_size<From> < packet_size<To> ? packet_size<From> : packet_size<To>;
  if (n % v == 0)
    launch(D{}, cast_kernel<From, To, v>{{x, n}, {y, n}});
  else
    launch(D{}, cast_kernel<From, To, 1>{{x, n}, {y, n}});
}

}  // namespace dcs::cuda

#include <dcs/core/header_end.inl>
