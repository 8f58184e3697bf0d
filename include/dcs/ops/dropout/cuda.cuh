// Dropout as a kernel of the block interface: a thread has 16 bytes, and draws their mask from the stream as the host does, four elements per call of
// the generator; nothing is stored between forward and backward.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/philox.hpp>
#include <dcs/cuda/device.hpp>

#include <cmath>

DCS_EXACT_MATH
namespace dcs::cuda {

/// y = x · mask, where the mask is `kept` or 0: of element i, or, by channel, of index image · channels + channel.
template <class T, int V>
struct dropout_kernel {
  static constexpr const char* name = "dropout";
  static constexpr int threads = 256;
  using A = arithmetic_t<T>;
  device_span<const T> x;
  device_span<T> y;
  divider packets, inner;  // packets of a row of channels; rows of an image
  bool by_channel;
  random_stream random;
  std::uint32_t least;  // an element is kept if its 24 random bits are at least this
  A kept;

  std::int64_t blocks() const { return ceil_div(y.size / V, std::int64_t{threads}); }
  static constexpr std::int64_t shared_bytes() { return 0; }

  template <class Block>
  DCS_DEVICE void operator()(Block& b) const {
    const std::int64_t at = b.index() * V;
    if (at >= y.size) return;
    std::int64_t first = at;
    if (by_channel) {
      std::int64_t row = b.index();
      const std::int64_t packet_index = packets.split(row);
      first = (inner.quotient(row) * packets.divisor() + packet_index) * V;
    }
    auto v = b.global(x, "x").template read<V>(at);
    const random_stream drawn = with_shift(b, random);
    std::array<std::uint32_t, 4> words{};
    DCS_DEVICE_UNROLL
    for (int k = 0; k < V; ++k) {
      const auto i = static_cast<std::uint64_t>(first + k);
      // Packets begin at a multiple of their length, so that the word of each element is a compile-time index, unless they are shorter than four.
      if (k % 4 == 0) words = drawn.words(i / 4);
      const std::uint32_t w = V >= 4 ? words[static_cast<std::size_t>(k % 4)] : words[static_cast<std::size_t>(i % 4)];
      v[k] *= w >> 8 >= least ? kept : A(0);
    }
    b.global(y, "y").write(at, v);
  }
};

template <class T, gpu D>
void dropout_apply(D, const T* x, T* y, std::int64_t outer, std::int64_t inner, std::int64_t channels, bool by_channel, double p,
                   random_stream random) {
  const std::int64_t size = outer * inner * channels;
  with_packets<T>(by_channel ? channels : size, [&](auto v) {
    launch(D{}, dropout_kernel<T, v>{{x, size},
                                     {y, size},
                                     divider(by_channel ? channels / v : 1),
                                     divider(inner > 0 ? inner : 1),
                                     by_channel,
                                     random,
                                     static_cast<std::uint32_t>(std::ceil(static_cast<float>(p) * 0x1p24f)),
                                     static_cast<arithmetic_t<T>>(1 / (1 - p))});
  });
}

}  // namespace dcs::cuda

#include <dcs/core/header_end.inl>
