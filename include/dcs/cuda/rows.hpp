// How kernels work on rows, that is, along the last axis. A group of up to 32 lanes has a row, of which lane l keeps packets l, l + lanes, ... in
// registers, so that memory is read once; a row too long for that has a whole block, which reads it again from cache.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/cuda/device.hpp>

DCS_EXACT_MATH
namespace dcs::cuda {

namespace detail {

/// The most packets of V elements that a lane keeps of a row in registers.
template <int V>
inline constexpr int row_packets = V == 8 ? 4 : 8;

// The number of lanes for a row of `packets`: a power of two, at most a warp.
constexpr int row_lanes(std::int64_t packets) {
  int lanes = 1;
  while (lanes < warp_size && lanes < packets) lanes *= 2;
  return lanes;
}

template <class Block, class A>
DCS_DEVICE A lanes_sum(Block& b, A v, int lanes) {
  for (int m = lanes / 2; m > 0; m /= 2) v += b.shuffle_xor(v, m);
  return v;
}
template <class Block, class A>
DCS_DEVICE A lanes_max(Block& b, A v, int lanes) {
  for (int m = lanes / 2; m > 0; m /= 2) {
    const A other = b.shuffle_xor(v, m);
    v = other > v ? other : v;
  }
  return v;
}

// body(V, R): elements of an access and packets of a lane; R = 0 where a row does not fit in a warp's registers.
template <class T, class Body>
void with_row_share(std::int64_t n, const Body& body) {
  with_packets<T>(n, [&](auto v) {
    const std::int64_t of_a_lane = ceil_div<std::int64_t>(n / v, warp_size);
    if (of_a_lane <= 1)
      body(v, std::integral_constant<int, 1>{});
    else if (of_a_lane <= 2)
      body(v, std::integral_constant<int, 2>{});
    else if (of_a_lane <= row_packets<v>)
      body(v, std::integral_constant<int, row_packets<v>>{});
    else
      body(v, std::integral_constant<int, 0>{});
  });
}

}  // namespace detail

}  // namespace dcs::cuda

#include <dcs/core/header_end.inl>
