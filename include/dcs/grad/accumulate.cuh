// to += from on a GPU.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/cuda/device.hpp>

DCS_EXACT_MATH
namespace dcs::cuda {

template <class T, int V>
struct add_into_kernel {
  static constexpr const char* name = "add_into";
  static constexpr int threads = 256;
  device_span<T> to;
  device_span<const T> from;

  std::int64_t blocks() const { return ceil_div(to.size / V, std::int64_t{threads}); }
  static constexpr std::int64_t shared_bytes() { return 0; }

  template <class Block>
  DCS_DEVICE void operator()(Block& b) const {
    const std::int64_t i = b.index() * V;
    if (i >= to.size) return;
    const auto target = b.global(to, "to");
    auto sum = target.template read<V>(i);
    const auto more = b.global(from, "from").template read<V>(i);
    DCS_DEVICE_UNROLL
    for (int k = 0; k < V; ++k) sum[k] += more[k];
    target.write(i, sum);
  }
};

template <class T, gpu D>
void add_into(D, T* to, const T* from, std::int64_t n) {
  with_packets<T>(n, [&](auto v) { launch(D{}, add_into_kernel<T, decltype(v)::value>{{to, n}, {from, n}}); });
}

}  // namespace dcs::cuda

#include <dcs/core/header_end.inl>
