// Randomness is a pure function of (key, stream, index): the Philox4x32-10 generator of Salmon et al., "Parallel random numbers: as easy as 1, 2, 3"
// (SC 2011). Nothing is stateful, so any thread may compute any number, and the same seed gives the same bits everywhere.
#pragma once

#include <dcs/core/header_begin.inl>

#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>

DCS_EXACT_MATH
namespace dcs {

/// Four 32-bit random words of counter (stream, index) under `key`.
constexpr std::array<std::uint32_t, 4> philox(std::uint64_t key, std::uint64_t stream, std::uint64_t index) {
  std::array<std::uint32_t, 4> c{static_cast<std::uint32_t>(index), static_cast<std::uint32_t>(index >> 32), static_cast<std::uint32_t>(stream),
                                 static_cast<std::uint32_t>(stream >> 32)};
  auto k0 = static_cast<std::uint32_t>(key), k1 = static_cast<std::uint32_t>(key >> 32);
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t{0xD2511F53u} * c[0], b = std::uint64_t{0xCD9E8D57u} * c[2];
    c = {static_cast<std::uint32_t>(b >> 32) ^ c[1] ^ k0, static_cast<std::uint32_t>(b), static_cast<std::uint32_t>(a >> 32) ^ c[3] ^ k1,
         static_cast<std::uint32_t>(a)};
    k0 += 0x9E3779B9u, k1 += 0xBB67AE85u;
  }
  return c;
}

/// One stream of random numbers: element i is a function of (key ^ shift, stream, i). Children have the shift of their parent, so a whole tree of
/// streams is changed by one number, for example that of a training step. Where `shift_at` is not null, the shift is read from that address at every
/// draw: in device memory, this lets the kernels of a step that is captured once and repeated draw new numbers each time.
struct random_stream {
  std::uint64_t key = 0, stream = 0, shift = 0;
  const std::uint64_t* shift_at = nullptr;

  constexpr std::uint64_t shifted_key() const { return key ^ (shift_at ? *shift_at : shift); }
  /// The four words of numbers 4 · group to 4 · group + 3.
  constexpr std::array<std::uint32_t, 4> words(std::uint64_t group) const { return philox(shifted_key(), stream, group); }
  constexpr std::uint32_t bits(std::uint64_t i) const { return words(i / 4)[i % 4]; }
  /// Uniform in [0, 1), 24 bits.
  constexpr float uniform(std::uint64_t i) const { return static_cast<float>(bits(i) >> 8) * 0x1p-24f; }
  /// Standard normal (Box–Muller on words 2i and 2i+1). A template, so that it may be constexpr, and nvcc compiles it for the device.
  template <class I>
  constexpr double normal(I index) const {
    const auto i = static_cast<std::uint64_t>(index);
    const auto w = words(i / 2);
    const std::size_t at = static_cast<std::size_t>(i % 2) * 2;
    const double u = (static_cast<double>(w[at]) + 1.0) * 0x1p-32, v = static_cast<double>(w[at + 1]) * 0x1p-32;
    return std::sqrt(-2 * std::log(u)) * std::cos(2 * std::numbers::pi * v);
  }
  /// Integer in [0, n), n ≥ 1; bias below n / 2^32.
  constexpr std::uint32_t below(std::uint64_t i, std::uint32_t n) const {
    return static_cast<std::uint32_t>((static_cast<std::uint64_t>(bits(i)) * n) >> 32);
  }
  /// An independent stream, derived from this one and a label.
  constexpr random_stream child(std::uint64_t label) const {
    const auto w = philox(key, ~stream, label);
    return {key ^ (static_cast<std::uint64_t>(w[0]) << 32 | w[1]), static_cast<std::uint64_t>(w[2]) << 32 | w[3], shift, shift_at};
  }
};

}  // namespace dcs

#include <dcs/core/header_end.inl>
