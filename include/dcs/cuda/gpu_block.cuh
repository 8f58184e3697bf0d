// The block interface (block.hpp) on a GPU: accessors are pointers, exchanges are the warp's instructions, copies are cp.async, products are
// mma.sync. Needs nvcc and compute capability 8.0.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/cuda/block.hpp>
#include <dcs/cuda/tf32.hpp>

#include <cuda_bf16.h>
#include <cuda_fp16.h>

DCS_EXACT_MATH
namespace dcs::cuda {

namespace detail {

// Conversions by the GPU's instructions; those of dcs::bf16 are for the host.
template <class T>
__device__ __forceinline__ arithmetic_t<T> to_arithmetic(T v) {
  if constexpr (std::is_same_v<T, f16>)
    return __half2float(__ushort_as_half(v.bits));
  else if constexpr (std::is_same_v<T, bf16>)
    return __uint_as_float(static_cast<unsigned>(v.bits) << 16);
  else
    return v;
}
template <class T>
__device__ __forceinline__ T from_arithmetic(arithmetic_t<T> v) {
  T r;
  if constexpr (std::is_same_v<T, bf16>)
    r.bits = __bfloat16_as_ushort(__float2bfloat16_rn(v));
  else if constexpr (std::is_same_v<T, f16>)
    r.bits = __half_as_ushort(__float2half_rn(v));
  else
    r = v;
  return r;
}
__device__ __forceinline__ unsigned pack_bf16(float low, float high) {
  const __nv_bfloat162 v = __floats2bfloat162_rn(low, high);
  return *reinterpret_cast<const unsigned*>(&v);
}
__device__ __forceinline__ void mma_tf32(float* c, const float* a, const float* b) {
  asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
               : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
               : "r"(__float_as_uint(a[0])), "r"(__float_as_uint(a[1])), "r"(__float_as_uint(a[2])), "r"(__float_as_uint(a[3])),
                 "r"(__float_as_uint(b[0])), "r"(__float_as_uint(b[1])));
}
template <int Bytes>
struct memory_word;
template <>
struct memory_word<1> {
  using type = unsigned char;
};
template <>
struct memory_word<2> {
  using type = unsigned short;
};
template <>
struct memory_word<4> {
  using type = unsigned;
};
template <>
struct memory_word<8> {
  using type = uint2;
};
template <>
struct memory_word<16> {
  using type = uint4;
};

}  // namespace detail

/// The accessor that a thread of a GPU's block has to memory.
template <class T>
class unchecked {
 public:
  using value_type = std::remove_const_t<T>;
  using arithmetic = arithmetic_t<T>;

  __device__ __forceinline__ explicit unchecked(T* data, std::int64_t size = 0) : data_(data), size_(size) {}

  __device__ __forceinline__ arithmetic read(std::int64_t i) const { return detail::to_arithmetic<value_type>(data_[i]); }
  template <int N>
  __device__ __forceinline__ packet<arithmetic, N> read(std::int64_t i) const {
    using word = typename detail::memory_word<N* static_cast<int>(sizeof(T))>::type;
    const word w = *reinterpret_cast<const word*>(data_ + i);
    value_type v[N];
    memcpy(v, &w, sizeof w);
    packet<arithmetic, N> p;
#pragma unroll
    for (int k = 0; k < N; ++k) p[k] = detail::to_arithmetic<value_type>(v[k]);
    return p;
  }
  __device__ __forceinline__ void write(std::int64_t i, arithmetic v) const { data_[i] = detail::from_arithmetic<value_type>(v); }
  template <int N>
  __device__ __forceinline__ void write(std::int64_t i, const packet<arithmetic, N>& p) const {
    using word = typename detail::memory_word<N* static_cast<int>(sizeof(T))>::type;
    value_type v[N];
#pragma unroll
    for (int k = 0; k < N; ++k) v[k] = detail::from_arithmetic<value_type>(p[k]);
    word w;
    memcpy(&w, v, sizeof w);
    *reinterpret_cast<word*>(data_ + i) = w;
  }
  __device__ __forceinline__ std::int64_t size() const { return size_; }
  __device__ __forceinline__ T* data() const { return data_; }

 private:
  T* data_;
  std::int64_t size_;
};

/// A block of a GPU.
class gpu_block {
 public:
  __device__ __forceinline__ int thread() const { return static_cast<int>(threadIdx.x); }
  __device__ __forceinline__ int threads() const { return static_cast<int>(blockDim.x); }
  __device__ __forceinline__ std::int64_t block() const { return blockIdx.x; }
  __device__ __forceinline__ std::int64_t blocks() const { return gridDim.x; }
  __device__ __forceinline__ std::int64_t index() const { return block() * threads() + thread(); }
  __device__ __forceinline__ int lane() const { return thread() % warp_size; }
  __device__ __forceinline__ int warp() const { return thread() / warp_size; }
  __device__ __forceinline__ int warps() const { return threads() / warp_size; }

  template <class T>
  __device__ __forceinline__ unchecked<T> global(device_span<T> span, const char*) {
    return unchecked<T>(span.data, span.size);
  }
  template <class T>
  __device__ __forceinline__ unchecked<T> shared(std::int64_t count, const char*) {
    extern __shared__ uint4 dcs_shared_memory[];
    const int offset = (used_ + 15) / 16 * 16;
    used_ = offset + static_cast<int>(count * static_cast<std::int64_t>(sizeof(T)));
    return unchecked<T>(reinterpret_cast<T*>(reinterpret_cast<char*>(dcs_shared_memory) + offset), count);
  }

  __device__ __forceinline__ void barrier() { __syncthreads(); }
  __device__ __forceinline__ void warp_barrier() { __syncwarp(); }
  template <class V>
  __device__ __forceinline__ V shuffle(V v, int lane) {
    return __shfl_sync(0xFFFFFFFFu, v, lane);
  }
  template <class V>
  __device__ __forceinline__ V shuffle_xor(V v, int mask) {
    return __shfl_xor_sync(0xFFFFFFFFu, v, mask);
  }
  __device__ __forceinline__ std::uint32_t ballot(bool predicate) { return __ballot_sync(0xFFFFFFFFu, predicate); }

  template <int N, class To, class From>
  __device__ __forceinline__ void copy_async(const unchecked<To>& to, std::int64_t i, const unchecked<From>& from, std::int64_t j,
                                             bool valid = true) {
    constexpr int bytes = N * static_cast<int>(sizeof(To));
    const auto target = static_cast<unsigned>(__cvta_generic_to_shared(to.data() + i));
    const void* source = valid ? from.data() + j : from.data();
    const int valid_bytes = valid ? bytes : 0;
    if constexpr (bytes == 16)
      asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(target), "l"(source), "r"(valid_bytes) : "memory");
    else
      asm volatile("cp.async.ca.shared.global [%0], [%1], %2, %3;" ::"r"(target), "l"(source), "n"(bytes), "r"(valid_bytes) : "memory");
  }
  __device__ __forceinline__ void commit_copies() { asm volatile("cp.async.commit_group;" ::: "memory"); }
  template <int Pending>
  __device__ __forceinline__ void wait_copies() {
    asm volatile("cp.async.wait_group %0;" ::"n"(Pending) : "memory");
  }

  // Floats are kept as they are until mma splits them; elements of 16 bits are packed in pairs.
  template <class T>
  struct fragment_a {
    float x[8] = {};
    __device__ __forceinline__ void set(int p, float low, float high) { x[2 * p] = low, x[2 * p + 1] = high; }
  };
  template <class T>
  struct fragment_b {
    float x[4] = {};
  };
  template <class T>
  struct fragment_c {
    arithmetic_t<T> x[4] = {};
  };

  template <class T>
  __device__ __forceinline__ fragment_a<T> load_a(const unchecked<T>& s, int row, int column, int stride) {
    fragment_a<T> a;
    if constexpr (std::is_same_v<T, bf16>) {
      const int l = lane();
      const auto at = static_cast<unsigned>(__cvta_generic_to_shared(s.data() + (row + l % 16) * stride + column + l / 16 * 8));
      asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
                   : "=r"(a.x[0]), "=r"(a.x[1]), "=r"(a.x[2]), "=r"(a.x[3])
                   : "r"(at));
    } else {
#pragma unroll
      for (int p = 0; p < 4; ++p) {
        const float2 v = *reinterpret_cast<const float2*>(s.data() + (row + group() + 8 * (p % 2)) * stride + column + 2 * quad() + 8 * (p / 2));
        a.x[2 * p] = v.x, a.x[2 * p + 1] = v.y;
      }
    }
    return a;
  }
  template <class T>
  __device__ __forceinline__ fragment_a<T> load_a_transposed(const unchecked<T>& s, int row, int column, int stride) {
    fragment_a<T> a;
    if constexpr (std::is_same_v<T, bf16>) {
      const int l = lane();
      const auto at = static_cast<unsigned>(__cvta_generic_to_shared(s.data() + (row + l % 8 + l / 16 * 8) * stride + column + l / 8 % 2 * 8));
      asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
                   : "=r"(a.x[0]), "=r"(a.x[1]), "=r"(a.x[2]), "=r"(a.x[3])
                   : "r"(at));
    } else {
#pragma unroll
      for (int p = 0; p < 4; ++p)
#pragma unroll
        for (int e = 0; e < 2; ++e) a.x[2 * p + e] = s.data()[(row + 2 * quad() + e + 8 * (p / 2)) * stride + column + group() + 8 * (p % 2)];
    }
    return a;
  }
  template <class T>
  __device__ __forceinline__ fragment_b<T> load_b(const unchecked<T>& s, int row, int column, int stride) {
    fragment_b<T> b;
    if constexpr (std::is_same_v<T, bf16>) {
      const int l = lane() % 16;
      const auto at = static_cast<unsigned>(__cvta_generic_to_shared(s.data() + (row + l % 8) * stride + column + l / 8 * 8));
      asm volatile("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%0,%1}, [%2];" : "=r"(b.x[0]), "=r"(b.x[1]) : "r"(at));
    } else {
#pragma unroll
      for (int p = 0; p < 2; ++p) {
        const float2 v = *reinterpret_cast<const float2*>(s.data() + (row + group()) * stride + column + 2 * quad() + 8 * p);
        b.x[2 * p] = v.x, b.x[2 * p + 1] = v.y;
      }
    }
    return b;
  }
  template <class T>
  __device__ __forceinline__ fragment_b<T> load_b_transposed(const unchecked<T>& s, int row, int column, int stride) {
    fragment_b<T> b;
    if constexpr (std::is_same_v<T, bf16>) {
      const int l = lane() % 16;
      const auto at = static_cast<unsigned>(__cvta_generic_to_shared(s.data() + (row + l) * stride + column));
      asm volatile("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0,%1}, [%2];" : "=r"(b.x[0]), "=r"(b.x[1]) : "r"(at));
    } else {
#pragma unroll
      for (int p = 0; p < 2; ++p)
#pragma unroll
        for (int e = 0; e < 2; ++e) b.x[2 * p + e] = s.data()[(row + 2 * quad() + e + 8 * p) * stride + column + group()];
    }
    return b;
  }

  template <mma_precision P = mma_precision::full, class T>
  __device__ __forceinline__ void mma(fragment_c<T>& c, const fragment_a<T>& a, const fragment_b<T>& b) {
    if constexpr (std::is_same_v<T, bf16>) {
      asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                   : "+f"(c.x[0]), "+f"(c.x[1]), "+f"(c.x[2]), "+f"(c.x[3])
                   : "r"(a.x[0]), "r"(a.x[1]), "r"(a.x[2]), "r"(a.x[3]), "r"(b.x[0]), "r"(b.x[1]));
    } else {
      static_assert(std::is_same_v<T, float>, "dcs::cuda: matrix fragments are of bf16 or float on a GPU");
#pragma unroll
      for (int h = 0; h < 2; ++h) {
        const auto parts = detail::split_floats<P>(a.x, b.x, h);
        detail::for_tf32_products<P>([&](int i, int j) { detail::mma_tf32(c.x, parts.a[i], parts.b[j]); });
      }
    }
  }

  template <class T>
  __device__ __forceinline__ T atomic_add(const unchecked<T>& a, std::int64_t i, T v) {
    return atomicAdd(a.data() + i, v);
  }

 private:
  __device__ __forceinline__ int group() const { return lane() / 4; }
  __device__ __forceinline__ int quad() const { return lane() % 4; }
  int used_ = 0;
};

template <>
struct gpu_block::fragment_a<bf16> {
  unsigned x[4] = {};
  __device__ __forceinline__ void set(int p, float low, float high) { x[p] = detail::pack_bf16(low, high); }
};
template <>
struct gpu_block::fragment_b<bf16> {
  unsigned x[2] = {};
};

}  // namespace dcs::cuda

#include <dcs/core/header_end.inl>
