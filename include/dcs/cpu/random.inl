// Philox4x32-10 on vectors; see random.hpp. Its 32-bit words are in 64-bit lanes, because a round multiplies 32 × 32 bits to 64.
namespace dcs::DCS_ISA {

inline constexpr int philox_words = 4 * lanes<std::uint64_t>;

// The words of blocks [block, block + lanes) in order.
DCS_INLINE void philox_blocks(random_stream r, std::uint64_t block, std::uint32_t* words) {
  using V = vec<std::uint64_t>;
  constexpr std::uint64_t low = 0xFFFFFFFFu;
  V index{};
  DCS_UNROLL
  for (int i = 0; i < lanes<std::uint64_t>; ++i) index[i] = block + static_cast<std::uint64_t>(i);
  V c0 = index & low, c1 = index >> 32, c2 = broadcast<std::uint64_t>(r.stream & low), c3 = broadcast<std::uint64_t>(r.stream >> 32);
  const std::uint64_t key = r.shifted_key();
  auto k0 = static_cast<std::uint32_t>(key), k1 = static_cast<std::uint32_t>(key >> 32);
  DCS_UNROLL
  for (int round = 0; round < 10; ++round) {
    const V a = c0 * std::uint64_t{0xD2511F53u}, b = c2 * std::uint64_t{0xCD9E8D57u};
    c0 = (b >> 32) ^ c1 ^ std::uint64_t{k0};
    c1 = b & low;
    c2 = (a >> 32) ^ c3 ^ std::uint64_t{k1};
    c3 = a & low;
    k0 += 0x9E3779B9u, k1 += 0xBB67AE85u;
  }
  const V first = c0 | c1 << 32, second = c2 | c3 << 32;
  const V front = interleave_front<std::uint64_t>(first, second), back = interleave_back<std::uint64_t>(first, second);
  __builtin_memcpy(words, &front, sizeof front);
  __builtin_memcpy(words + philox_words / 2, &back, sizeof back);
}

template <class T>
DCS_TARGET void draw_mask(random_stream r, std::uint64_t first, std::int64_t count, std::uint32_t least, T kept, T* mask) {
  alignas(64) std::uint32_t words[philox_words];
  for (std::int64_t i = 0; i < count;) {
    const std::uint64_t at = first + static_cast<std::uint64_t>(i);
    const std::int64_t offset = static_cast<std::int64_t>(at % 4), n = std::min<std::int64_t>(philox_words - offset, count - i);
    philox_blocks(r, at / 4, words);
    if (n == philox_words)
      for (int j = 0; j < philox_words; ++j) mask[i + j] = words[j] >> 8 >= least ? kept : T(0);
    else
      for (std::int64_t j = 0; j < n; ++j) mask[i + j] = words[offset + j] >> 8 >= least ? kept : T(0);
    i += n;
  }
}

}  // namespace dcs::DCS_ISA
