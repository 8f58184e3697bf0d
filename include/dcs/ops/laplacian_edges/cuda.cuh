// The edges of a map as a kernel of the block interface: a thread has a pixel, and reads its neighbours, which are in the cache.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/cuda/device.hpp>
#include <dcs/ops/laplacian_edges/laplacian_edges.hpp>

DCS_EXACT_MATH
namespace dcs::cuda {

/// e = 1 where the 8-neighbour Laplacian of maps of height × width exceeds 0.1 (zero padding), else 0.
template <class T>
struct laplacian_edges_kernel {
  static constexpr const char* name = "laplacian_edges";
  static constexpr int threads = 256;
  device_span<const T> t;
  device_span<T> e;
  divider height, width;

  std::int64_t blocks() const { return ceil_div(e.size, std::int64_t{threads}); }
  static constexpr std::int64_t shared_bytes() { return 0; }

  template <class Block>
  DCS_DEVICE void operator()(Block& b) const {
    using A = arithmetic_t<T>;
    const std::int64_t at = b.index(), w = width.divisor(), h = height.divisor();
    if (at >= e.size) return;
    std::int64_t row = at;
    const std::int64_t j = width.split(row), i = row - height.quotient(row) * h;
    const auto in = b.global(t, "target");
    A sum = 0;
    DCS_DEVICE_UNROLL
    for (int y = -1; y <= 1; ++y) DCS_DEVICE_UNROLL
    for (int x = -1; x <= 1; ++x)
      if (i + y >= 0 && i + y < h && j + x >= 0 && j + x < w) sum += in.read(at + y * w + x);
    b.global(e, "edges").write(at, A(9) * in.read(at) - sum > A(0.1) ? A(1) : A(0));
  }
};

template <class T, gpu D>
void laplacian_edges_forward(D, const T* t, std::int64_t n, std::int64_t h, std::int64_t w, T* e) {
  launch(D{}, laplacian_edges_kernel<T>{{t, n * h * w}, {e, n * h * w}, divider(h), divider(w)});
}

}  // namespace dcs::cuda

#include <dcs/core/header_end.inl>
