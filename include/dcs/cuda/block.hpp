// What a CUDA kernel of dcs may do, as an interface that two things implement: a block of a GPU (gpu_block.cuh) and a block that the host executes
// (emulated_block.hpp). A kernel is a functor over it,
//
//     template <class T>
//     struct scale_kernel {
//       static constexpr const char* name = "scale";
//       static constexpr int threads = 256;                       // of a block, a multiple of 32
//       device_span<const T> x;                                   // global memory, with its size
//       device_span<T> y;
//       std::int64_t blocks() const { return ceil_div(y.size, std::int64_t{threads}); }
//       static constexpr std::int64_t shared_bytes() { return 0; } // `std::int64_t shared_bytes() const` where extents decide
//       template <class Block>
//       DCS_DEVICE void operator()(Block& b) const {
//         const auto in = b.global(x, "x");                       // memory is read and written through accessors, nothing else
//         auto out = b.global(y, "y");
//         const std::int64_t i = b.index();
//         if (i < y.size) out.write(i, 2 * in.read(i));
//       }
//     };
//     launch(D{}, scale_kernel<float>{...});                      // D: cuda::device or cuda::emulated
//
// so the tests run every kernel, in double too, on a machine without a GPU, and find errors that a GPU would not report: an access out of bounds, a
// read of shared memory that was not written, two threads that access one element without a barrier between them, a copy that is used before its
// wait, a barrier that some threads do not reach.
//
// A kernel may say `resident = 3` beside `threads`: its registers are bounded so that three blocks fit a multiprocessor.
//
// A Block offers
//   thread(), threads(), block(), blocks(), index() = block · threads + thread, lane(), warp(), warps()
//   global(device_span<T>, name)                accessor of global memory; spans may show the same place
//   shared<T>(count, name)                      accessor of shared memory; every thread asks for the same arrays in the same order
//   barrier(), warp_barrier()                   of the block's threads; of the warp's lanes
//   shuffle(v, lane), shuffle_xor(v, mask)      the value of another lane; every lane of the warp takes part
//   ballot(bool)                                bit i: the predicate of lane i
//   copy_async<N>(to, i, from, j, valid)        N elements (4, 8 or 16 bytes) from global to shared memory, zeros where not valid;
//                                               commit_copies() closes a group; wait_copies<P>() waits for all but the latest P groups of this thread
//   fragment_a<T>, fragment_b<T>, fragment_c<T> a warp's share of matrices of 16 × 16, 16 × 8 and 16 × 8, in the register layout of
//                                               mma.m16n8k16: with g = lane / 4 and t = lane % 4, elements 2p and 2p + 1 of a are at row
//                                               g + 8 (p % 2), columns 2t and 2t + 1 (+ 8 where p ≥ 2); of b at column g, rows 2t, 2t + 1 (+ 8);
//                                               of c at row g + 8p, columns 2t, 2t + 1
//   load_a(s, row, column, stride) etc.         fragments from shared memory
//   mma<P>(c, a, b)                             c += a · b: bf16 with sums in float; float as P says (tf32.hpp), else to float's accuracy;
//                                               double on the host
//   atomic_add(accessor, i, v)                  integers only: floats would make the result depend on the order
// and an accessor a of T offers read(i), write(i, v), read<N>(i) and write(i, packet) for N elements in one access of at most 16 bytes, aligned to
// its size. Elements of 16-bit types are read as float and rounded when they are written.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/dtype.hpp>
#include <dcs/core/error.hpp>
#include <dcs/core/philox.hpp>

#include <cstdint>
#include <type_traits>

#if defined(__CUDACC__)
#define DCS_DEVICE __host__ __device__
#else
#define DCS_DEVICE
#endif

// Unrolls a loop whose index selects registers: without, they would be memory.
#if defined(__CUDA_ARCH__)
#define DCS_DEVICE_UNROLL _Pragma("unroll")
#define DCS_DEVICE_PRAGMA(text) _Pragma(#text)
#define DCS_DEVICE_UNROLL_BY(n) DCS_DEVICE_PRAGMA(unroll(n))
#else
#define DCS_DEVICE_UNROLL
#define DCS_DEVICE_UNROLL_BY(n)
#endif

DCS_EXACT_MATH
namespace dcs::cuda {

/// Global memory of a kernel: a pointer and the number of elements.
template <class T>
struct device_span {
  T* data = nullptr;
  std::int64_t size = 0;

  DCS_DEVICE explicit operator bool() const { return data != nullptr; }
  /// A span that may be written converts to one that may only be read.
  template <class U>
  requires(std::is_same_v<U, const T> && !std::is_const_v<T>) operator device_span<U>() const { return {data, size}; }
};

namespace detail {
template <class T>
struct arithmetic {
  using type = T;
};
template <>
struct arithmetic<bf16> {
  using type = float;
};
template <>
struct arithmetic<f16> {
  using type = float;
};
}  // namespace detail

/// The type that kernels compute in where memory holds T.
template <class T>
using arithmetic_t = typename detail::arithmetic<std::remove_const_t<T>>::type;

/// Elements of one access of 16 bytes.
template <class T>
inline constexpr int packet_size = 16 / static_cast<int>(sizeof(T));

/// Elements that are read or written at once.
template <class A, int N>
struct packet {
  A x[N] = {};
  DCS_DEVICE A& operator[](int i) { return x[i]; }
  DCS_DEVICE const A& operator[](int i) const { return x[i]; }
};

inline constexpr int warp_size = 32;

/// Bytes of shared memory that a block may have on every GPU of compute capability 8.0 and above; some allow more.
inline constexpr std::int64_t common_shared_bytes = 99 << 10;

/// How matrix units multiply floats: to a float's accuracy, or rounded to TF32. For other types there is only one way.
enum class mma_precision { full, tf32 };

template <class I>
DCS_DEVICE constexpr I ceil_div(I a, I b) {
  return (a + b - 1) / b;
}

/// Division of n ≥ 0 by a number that the host knows, as a multiplication: exact with m = ⌊2^(63 + s) / d⌋ + 1 and s = ⌈log2 d⌉ (Granlund &
/// Montgomery 1994). It has no branch, so that reads at the indices that it computes can be issued together.
class divider {
 public:
  divider() = default;
  /// Throws dcs::error unless d is positive.
  explicit constexpr divider(std::int64_t d) : divisor_(d) {
    if (d <= 0) fail("dcs::cuda::divider: divisor ", d, "; expected at least 1");
    while (shift_ < 63 && (std::uint64_t{1} << shift_) < static_cast<std::uint64_t>(d)) ++shift_;
    const auto by = static_cast<std::uint64_t>(d);
    std::uint64_t rest = (std::uint64_t{1} << shift_) - by;
    multiplier_ = 1;
    for (int bit = 0; bit < 63; ++bit) {
      rest *= 2, multiplier_ *= 2;
      if (rest >= by) rest -= by, ++multiplier_;
    }
    ++multiplier_;
  }
  DCS_DEVICE std::int64_t quotient(std::int64_t n) const {
    return static_cast<std::int64_t>(high_product(static_cast<std::uint64_t>(n) * 2, multiplier_) >> shift_);
  }
  /// n becomes the quotient; returns the remainder.
  DCS_DEVICE std::int64_t split(std::int64_t& n) const {
    const std::int64_t q = quotient(n), r = n - q * divisor_;
    n = q;
    return r;
  }
  DCS_DEVICE std::int64_t divisor() const { return divisor_; }

 private:
  // The upper half of a product.
  DCS_DEVICE static std::uint64_t high_product(std::uint64_t a, std::uint64_t b) {
#if defined(__CUDA_ARCH__)
    return __umul64hi(a, b);
#else
    const std::uint64_t low = 0xFFFFFFFF, inner = (a & low) * (b >> 32), outer = (a >> 32) * (b & low);
    const std::uint64_t middle = ((a & low) * (b & low) >> 32) + (inner & low) + (outer & low);
    return (a >> 32) * (b >> 32) + (inner >> 32) + (outer >> 32) + (middle >> 32);
#endif
  }

  std::int64_t divisor_ = 1;
  std::uint64_t multiplier_ = (std::uint64_t{1} << 63) + 1;
  int shift_ = 0;
};

/// The stream as a thread uses it: a shift that lies in memory is read once, through an accessor like all memory.
template <class Block>
DCS_DEVICE random_stream with_shift(Block& b, random_stream r) {
  if (r.shift_at) r.shift = b.global(device_span<const std::uint64_t>{r.shift_at, 1}, "shift of the random numbers").read(0);
  r.shift_at = nullptr;
  return r;
}

/// Sum over the lanes of a warp, the same bits in every lane: halves are added to halves.
template <class Block, class A>
DCS_DEVICE A warp_sum(Block& b, A v) {
  DCS_DEVICE_UNROLL
  for (int m = warp_size / 2; m > 0; m /= 2) v += b.shuffle_xor(v, m);
  return v;
}
/// Largest over the lanes of a warp.
template <class Block, class A>
DCS_DEVICE A warp_max(Block& b, A v) {
  DCS_DEVICE_UNROLL
  for (int m = warp_size / 2; m > 0; m /= 2) {
    const A other = b.shuffle_xor(v, m);
    v = other > v ? other : v;
  }
  return v;
}
/// Sum over the threads of a block, in every thread. `partial`: shared memory of one A for each warp, free again after the call.
template <class Block, class Shared, class A>
DCS_DEVICE A block_sum(Block& b, Shared& partial, A v) {
  v = warp_sum(b, v);
  if (b.lane() == 0) partial.write(b.warp(), v);
  b.barrier();
  A sum = 0;
  for (int w = 0; w < b.warps(); ++w) sum += partial.read(w);
  b.barrier();
  return sum;
}

}  // namespace dcs::cuda

#include <dcs/core/header_end.inl>
