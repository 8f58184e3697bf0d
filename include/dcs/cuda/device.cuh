// The GPU: memory from the driver's stream-ordered pool, which keeps freed memory for later allocations; launches on one stream; errors as
// dcs::error. Files that launch kernels need nvcc.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/cuda/captured_memory.hpp>
#include <dcs/cuda/device.hpp>
#include <dcs/cuda/stream.cuh>

#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include <cuda_runtime.h>

#if defined(__CUDACC__)
#include <dcs/cuda/gpu_block.cuh>
#endif

DCS_EXACT_MATH
namespace dcs::cuda {

inline storage constant(device, const void* from, std::int64_t bytes);

/// A GPU.
struct device {
  using self = device;
  static constexpr const char* name = "cuda";
  static void* allocate(std::int64_t bytes) {
    if (bytes <= 0) return nullptr;
    if (detail::capturing) return detail::captured_block(bytes);
    void* p = nullptr;
    expect_success(cudaMallocAsync(&p, static_cast<std::size_t>(bytes), stream()), "cudaMallocAsync");
    return p;
  }
  static void deallocate(void* p, std::int64_t) noexcept {
    if (!p || detail::give_back(p)) return;
    if (auto* capture = detail::capturing ? detail::capturing : detail::paused) return capture->freed.push_back(p);
    detail::captured.wait(true);
    cudaFreeAsync(p, detail::work_queue::get().stream);
  }
  static void zero(void* p, std::int64_t bytes) {
    if (bytes > 0) expect_success(cudaMemsetAsync(p, 0, static_cast<std::size_t>(bytes), stream()), "cudaMemsetAsync");
  }
  static void copy(void* to, const void* from, std::int64_t bytes) { transfer(to, from, bytes, cudaMemcpyDeviceToDevice); }
  static void copy_from_host(void* to, const void* from, std::int64_t bytes) {
    if (detail::capturing && bytes > 0) {
      const storage& kept = detail::capturing->device.emplace_back(constant(device{}, from, bytes));
      return copy(to, kept.data(), bytes);
    }
    transfer(to, from, bytes, cudaMemcpyHostToDevice);
  }
  /// Waits for all work launched before. Throws dcs::error during a capture, as the work has not run.
  static void copy_to_host(void* to, const void* from, std::int64_t bytes) {
    expect(!detail::capturing, "dcs::cuda: ", bytes, " bytes are copied to the host while a graph is captured; expected no such copy");
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

namespace detail {

// The memory that is allocated during a capture, in chunks that are allocated outside it.
struct capture_pool {
  std::vector<storage> chunks;
  bool of_graph = true;  // the graph exists, and may be launched
  captured_memory memory{[this](std::int64_t bytes) {
    const beside_capture scope;
    return chunks.emplace_back(storage::allocate<device>(bytes)).data();
  }};
};

// The pools of graphs that exist, and of destroyed graphs of which a block is still in use. Never destroyed, as blocks may be freed while static
// objects are destroyed.
class capture_pools {
 public:
  static capture_pools& get() {
    static auto* all = new capture_pools;
    return *all;
  }
  capture_pool* add() {
    const std::lock_guard lock(mutex_);
    all_.push_back(std::make_unique<capture_pool>());
    count_ = all_.size();
    return all_.back().get();
  }
  void* allocate(capture_pool& from, std::int64_t bytes) {
    const std::lock_guard lock(mutex_);
    return from.memory.allocate(bytes);
  }
  bool release(void* p) {
    if (count_ == 0) return false;
    return release_pool([&](capture_pool& pool) {
      const bool ours = pool.memory.has(p);
      if (ours) pool.memory.release(p);
      return ours;
    });
  }
  void end(const capture_pool* of) {
    (void)release_pool([&](capture_pool& pool) {
      if (&pool == of) pool.of_graph = false;
      return &pool == of;
    });
  }

 private:
  // Finds the pool for which matches(pool) is true, and destroys it where its graph is destroyed and none of its blocks is in use. Returns whether
  // there is such a pool.
  template <class Matches>
  bool release_pool(const Matches& matches) {
    std::unique_ptr<capture_pool> unused;  // destroyed after the lock is released, as freeing its chunks takes time
    const std::lock_guard lock(mutex_);
    for (auto& pool : all_) {
      if (!matches(*pool)) continue;
      if (!pool->of_graph && pool->memory.used() == 0) {
        unused = std::move(pool);
        all_.erase(all_.begin() + (&pool - all_.data()));
        count_ = all_.size();
      }
      return true;
    }
    return false;
  }

  std::mutex mutex_;
  std::vector<std::unique_ptr<capture_pool>> all_;
  std::atomic<std::size_t> count_ = 0;
};

inline void* captured_block(std::int64_t bytes) {
  if (!capturing->pool) capturing->pool = capture_pools::get().add();
  return capture_pools::get().allocate(*capturing->pool, bytes);
}
inline bool give_back(void* p) noexcept { return capture_pools::get().release(p); }

}  // namespace detail

inline captured_constants::~captured_constants() {
  for (void* p : freed) dcs::cuda::device::deallocate(p, 0);
  if (pool) detail::capture_pools::get().end(pool);
}

/// During a capture: the graph shares ownership of the memory, so that it stays valid for the graph where its owner later replaces it.
inline void keep(device, const storage& memory) {
  if (!detail::capturing) return;
  auto& kept = detail::capturing->device;
  if (kept.empty() || !(kept.back() == memory)) kept.push_back(memory);
}
/// Memory with `bytes` from the host. During a capture it is filled at once, and the copy is not part of the graph.
inline storage constant(device, const void* from, std::int64_t bytes) {
  const detail::beside_capture scope;
  storage s = storage::allocate<device>(bytes);
  device::copy_from_host(s.data(), from, bytes);
  return s;
}

#if defined(__CUDACC__)

namespace detail {
// The number of blocks that a kernel requires to be resident on a multiprocessor, which bounds its registers; 0: the compiler chooses.
template <class Kernel>
constexpr int resident_blocks() {
  if constexpr (requires { Kernel::resident; })
    return Kernel::resident;
  else
    return 0;
}
// Bytes of shared memory where they are the same for every launch; -1 where they depend on extents.
template <class Kernel>
constexpr std::int64_t constant_shared_bytes() {
  if constexpr (requires { Kernel::shared_bytes(); })
    return Kernel::shared_bytes();
  else
    return -1;
}
// `Shared` is a template argument so that it is part of the symbol's name, from which bench/ptxas.sh reads it.
template <class Kernel, std::int64_t Shared = constant_shared_bytes<Kernel>()>
__global__ void __launch_bounds__(Kernel::threads, resident_blocks<Kernel>()) entry(const __grid_constant__ Kernel kernel) {
  gpu_block b;
  kernel(b);
}
}  // namespace detail

template <class Kernel>
void launch(device, const Kernel& kernel) {
  static_assert(detail::constant_shared_bytes<Kernel>() <= common_shared_bytes, "dcs::cuda: a block needs more shared memory than every GPU has");
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

#include <dcs/core/header_end.inl>
