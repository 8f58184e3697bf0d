// Algorithms within a block that the kernels of detection share: a scan over its threads, and radix selection, which finds the smallest of many keys
// without sorting them. It goes through the keys' digits of 11 bits from the highest, with a histogram for each, and stops as soon as the leading
// digits decide.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/philox.hpp>
#include <dcs/cuda/block.hpp>

#include <utility>

DCS_EXACT_MATH
namespace dcs::cuda {

namespace detail {

/// Scan over the threads of a block, each value combined with those before it. `partial`: shared memory of one V for each warp, free again after the
/// call.
template <class Block, class Shared, class V, class F>
DCS_DEVICE V block_scan(Block& b, Shared& partial, V v, F combine) {
  DCS_DEVICE_UNROLL
  for (int d = 1; d < warp_size; d *= 2) {
    const V before = b.shuffle(v, b.lane() < d ? b.lane() : b.lane() - d);
    if (b.lane() >= d) v = combine(before, v);
  }
  if (b.lane() == warp_size - 1) partial.write(b.warp(), v);
  b.barrier();
  for (int w = b.warp() - 1; w >= 0; --w) v = combine(partial.read(w), v);
  b.barrier();
  return v;
}

struct add {
  template <class V>
  DCS_DEVICE V operator()(V a, V b) const {
    return a + b;
  }
};
struct smaller {
  template <class V>
  DCS_DEVICE V operator()(V a, V b) const {
    return b < a ? b : a;
  }
};

/// The result of a selection: the smallest keys are those whose leading bits are below a bound.
struct smallest_keys {
  std::uint64_t bound = 0;
  int shift = 0;
  bool all = false;
  DCS_DEVICE bool has(std::uint64_t key) const { return all || key >> shift < bound; }
};

inline constexpr int select_threads = 1024, select_digit = 11, select_bins = 1 << select_digit;
inline constexpr std::int64_t select_shared_bytes = select_bins * 4 + select_threads / warp_size * 4 + 16;

/// Shared memory of a selection.
template <class Block>
struct select_memory {
  decltype(std::declval<Block&>().template shared<std::int32_t>(1, "")) counts, sums, found;
  DCS_DEVICE explicit select_memory(Block& b)
      : counts(b.template shared<std::int32_t>(select_bins, "histogram")),
        sums(b.template shared<std::int32_t>(select_threads / warp_size, "sums of warps")),
        found(b.template shared<std::int32_t>(4, "digit, keys before it, keys of it; slots")) {}
};

/// Sets the bins of a histogram to 0; a block of select_threads threads.
template <class Block, class Ints>
DCS_DEVICE void clear_bins(Block& b, const Ints& counts) {
  for (int i = b.thread(); i < select_bins; i += select_threads) counts.write(i, 0);
  b.barrier();
}
/// From a histogram over the values of a digit: writes the digit of the `need`-th smallest key to found[0]. `need` becomes the number of keys that
/// are still to be selected among those with this digit. Returns whether that is less than all of them, so that further digits must decide.
template <class Block, class Ints, class N>
DCS_DEVICE bool choose_digit(Block& b, const Ints& counts, const Ints& sums, const Ints& found, N& need) {
  const std::int32_t low = counts.read(2 * b.thread()), high = counts.read(2 * b.thread() + 1);
  const std::int32_t end = block_scan(b, sums, low + high, add{}), begin = end - low - high;
  if (begin < need && need <= end) {
    const bool in_low = need <= begin + low;
    found.write(0, 2 * b.thread() + (in_low ? 0 : 1));
    found.write(1, in_low ? begin : begin + low);
    found.write(2, in_low ? low : high);
  }
  b.barrier();
  need -= found.read(1);
  return need < found.read(2);
}

/// Goes through the digits of keys of `bits` bits, from the highest, until they decide which `need` keys are the smallest. `known` becomes the
/// leading digits of the last of these, and `shift` the number of bits after them; `need` the number of keys with these digits that are among the
/// smallest. each(use) calls use(key) for every key of the calling thread. Returns whether more keys than that have all of their digits in common
/// with the last.
template <class Key, class Block, class Ints, class N, class Each>
DCS_DEVICE bool select_digits(Block& b, const Ints& counts, const Ints& sums, const Ints& found, int bits, N& need, Key& known, int& shift,
                              const Each& each) {
  known = 0, shift = bits;
  bool open = true;
  while (open && shift > 0) {
    const int digit = shift < select_digit ? shift : select_digit, above = shift;
    const Key lead = known;
    shift -= digit;
    clear_bins(b, counts);
    each([&](Key key) {
      if (above == bits || key >> above == lead)
        b.atomic_add(counts, static_cast<std::int64_t>(key >> shift & ((Key(1) << digit) - 1)), std::int32_t{1});
    });
    b.barrier();
    open = choose_digit(b, counts, sums, found, need);
    known = lead << digit | static_cast<Key>(found.read(0));
    b.barrier();
  }
  return open;
}

/// The `need` smallest of `available` different keys of 64 bits, in a block of select_threads threads. key_of(i, key), for i below n, returns whether
/// i has a key, and sets it. Every thread must call with the same arguments.
template <class Block, class F>
DCS_DEVICE smallest_keys select_smallest(Block& b, const select_memory<Block>& m, std::int64_t n, std::int64_t available, std::int64_t need,
                                         const F& key_of) {
  if (need >= available) return {0, 0, true};
  if (need <= 0) return {0, 0, false};
  std::uint64_t known = 0;
  int shift = 0;
  select_digits(b, m.counts, m.sums, m.found, 64, need, known, shift, [&](const auto& use) {
    for (std::int64_t i = b.thread(); i < n; i += select_threads) {
      std::uint64_t key = 0;
      if (key_of(i, key)) use(key);
    }
  });
  return {known + 1, shift, false};
}

/// The last thread's value, in every thread.
template <class Block>
DCS_DEVICE std::int32_t of_last_thread(Block& b, const select_memory<Block>& m, std::int32_t v) {
  if (b.thread() == select_threads - 1) m.found.write(3, v);
  b.barrier();
  const std::int32_t last = m.found.read(3);
  b.barrier();
  return last;
}

/// The number of chosen i below n; calls write(k, i) for the k-th of them, in ascending order. Each thread has consecutive numbers i, so that one
/// scan gives the positions of all.
template <class Block, class Chosen, class Write>
DCS_DEVICE std::int64_t list_chosen(Block& b, const select_memory<Block>& m, std::int64_t n, const Chosen& chosen, const Write& write) {
  const std::int64_t each = ceil_div(n, std::int64_t{select_threads}), first = b.thread() * each, last = first + each < n ? first + each : n;
  std::int32_t own = 0;
  for (std::int64_t i = first; i < last; ++i) own += chosen(i);
  const std::int32_t end = block_scan(b, m.sums, own, add{});
  std::int64_t place = end - own;
  for (std::int64_t i = first; place < end && i < last; ++i)
    if (chosen(i)) write(place++, i);
  return of_last_thread(b, m, end);
}
template <class Block, class Chosen>
DCS_DEVICE std::int64_t count_chosen(Block& b, const select_memory<Block>& m, std::int64_t n, const Chosen& chosen) {
  std::int32_t own = 0;
  for (std::int64_t i = b.thread(); i < n; i += select_threads) own += chosen(i);
  return of_last_thread(b, m, block_scan(b, m.sums, own, add{}));
}

/// A key with the random number of i in its high bits and i in its low bits: different for every i, and in the order of box_sampler::keep.
template <class Random>
DCS_DEVICE std::uint64_t drawn_key(const Random& r, std::int64_t i) {
  return static_cast<std::uint64_t>(r.bits(static_cast<std::uint64_t>(i))) << 32 | static_cast<std::uint64_t>(i);
}

}  // namespace detail

}  // namespace dcs::cuda

#include <dcs/core/header_end.inl>
