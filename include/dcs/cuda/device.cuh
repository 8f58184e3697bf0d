// The GPU: memory from the driver's stream-ordered pool, which keeps what is freed, launches on one stream, errors as dcs::error. Needs nvcc where
// kernels are launched.
#pragma once

#include <dcs/cuda/device.hpp>

#include <cstring>
#include <memory>
#include <vector>

#include <cuda_runtime.h>

#if defined(__CUDACC__)
#include <dcs/cuda/gpu_block.cuh>
#endif

namespace dcs::cuda {

/// Throws dcs::error with CUDA's words where a call failed.
inline void expect_success(cudaError_t status, const char* call) {
  if (status != cudaSuccess) fail("dcs::cuda: ", call, ": ", cudaGetErrorString(status));
}

/// The stream that this thread's tensors live on, of the current GPU. Throws dcs::error where there is no GPU, or a driver too old for this toolkit.
inline cudaStream_t stream() {
  thread_local const cudaStream_t s = [] {
    int count = 0;
    const cudaError_t status = cudaGetDeviceCount(&count);
    expect(status == cudaSuccess && count > 0, "dcs::cuda: no GPU to run on: ", status == cudaSuccess ? "none is there" : cudaGetErrorString(status));
    cudaMemPool_t pool = nullptr;
    expect_success(cudaDeviceGetDefaultMemPool(&pool, 0), "cudaDeviceGetDefaultMemPool");
    std::uint64_t keep = ~std::uint64_t{0};  // freed memory stays with the pool: allocation is then a few hundred nanoseconds
    expect_success(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &keep), "cudaMemPoolSetAttribute");
    cudaStream_t made = nullptr;
    expect_success(cudaStreamCreateWithFlags(&made, cudaStreamNonBlocking), "cudaStreamCreate");
    return made;
  }();
  return s;
}

/// What is copied from the host while a graph is captured: the graph reads it at every launch, so it keeps a copy.
using captured_constants = std::vector<std::unique_ptr<std::byte[]>>;

namespace detail {
// Of the capture that this thread is in; null: none.
inline thread_local captured_constants* capturing = nullptr;
}  // namespace detail

/// A GPU.
struct device {
  using self = device;
  static constexpr const char* name = "cuda";
  static void* allocate(std::int64_t bytes) {
    if (bytes <= 0) return nullptr;
    void* p = nullptr;
    expect_success(cudaMallocAsync(&p, static_cast<std::size_t>(bytes), stream()), "cudaMallocAsync");
    return p;
  }
  static void deallocate(void* p, std::int64_t) noexcept {
    if (p) cudaFreeAsync(p, stream());
  }
  static void zero(void* p, std::int64_t bytes) {
    if (bytes > 0) expect_success(cudaMemsetAsync(p, 0, static_cast<std::size_t>(bytes), stream()), "cudaMemsetAsync");
  }
  static void copy(void* to, const void* from, std::int64_t bytes) { transfer(to, from, bytes, cudaMemcpyDeviceToDevice); }
  static void copy_from_host(void* to, const void* from, std::int64_t bytes) {
    if (detail::capturing && bytes > 0) {
      auto& own = detail::capturing->emplace_back(new std::byte[static_cast<std::size_t>(bytes)]);
      std::memcpy(own.get(), from, static_cast<std::size_t>(bytes));
      from = own.get();
    }
    transfer(to, from, bytes, cudaMemcpyHostToDevice);
  }
  /// Waits for everything before it. Throws dcs::error in a capture, where nothing is done yet.
  static void copy_to_host(void* to, const void* from, std::int64_t bytes) {
    expect(!detail::capturing, "dcs::cuda: ", bytes, " bytes are wanted on the host while a graph is captured; expected none");
    transfer(to, from, bytes, cudaMemcpyDeviceToHost);
    synchronize();
  }
  template <class T>
  static void fill(T* p, T value, std::int64_t n);
  /// Waits for all work; errors of kernels appear here.
  static void synchronize() { expect_success(cudaStreamSynchronize(stream()), "cudaStreamSynchronize"); }

 private:
  static void transfer(void* to, const void* from, std::int64_t bytes, cudaMemcpyKind kind) {
    if (bytes > 0) expect_success(cudaMemcpyAsync(to, from, static_cast<std::size_t>(bytes), kind, stream()), "cudaMemcpyAsync");
  }
};

#if defined(__CUDACC__)

namespace detail {
// Blocks that a kernel wants to be resident on a multiprocessor, which bounds its registers; 0: the compiler chooses, and may spill a little for
// more.
template <class Kernel>
constexpr int resident_blocks() {
  if constexpr (requires { Kernel::resident; })
    return Kernel::resident;
  else
    return 0;
}
template <class Kernel>
__global__ void __launch_bounds__(Kernel::threads, resident_blocks<Kernel>()) entry(const __grid_constant__ Kernel kernel) {
  gpu_block b;
  kernel(b);
}
}  // namespace detail

template <class Kernel>
void launch(device, const Kernel& kernel) {
  const std::int64_t blocks = kernel.blocks(), shared = kernel.shared_bytes();
  if (blocks == 0) return;
  expect(blocks > 0 && blocks <= 0x7FFFFFFF, "dcs::cuda: kernel ", Kernel::name, ": ", blocks, " blocks; expected at most 2147483647");
  if (shared > 48 << 10)
    expect_success(cudaFuncSetAttribute(&detail::entry<Kernel>, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(shared)), Kernel::name);
  detail::entry<Kernel><<<static_cast<unsigned>(blocks), Kernel::threads, static_cast<std::size_t>(shared), stream()>>>(kernel);
  expect_success(cudaGetLastError(), Kernel::name);
}

template <class T>
void device::fill(T* p, T value, std::int64_t n) {
  launch(device{}, fill_kernel<T>{{p, n}, static_cast<arithmetic_t<T>>(value)});
}

#endif

}  // namespace dcs::cuda
