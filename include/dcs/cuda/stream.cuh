// The stream of the GPU that all work runs on, and the state of a capture.
//
// A process uses one GPU, the one that is current at the first use, and one stream for all threads. Memory is allocated, used and freed on that
// stream in the order of the host's calls: memory that one thread allocated may be used and freed by another once the host has passed it on, and a
// freed block is reused only after all work that was launched before. A thread whose current GPU is another one gets a dcs::error. So does a thread
// that launches work while another captures a graph (graph.cuh), as its work would become part of that graph; memory that it frees is freed after the
// capture. A program with a stream of its own orders it relative to this one by events.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/storage.hpp>

#include <atomic>
#include <cstdint>
#include <vector>

#include <cuda_runtime.h>

DCS_EXACT_MATH
namespace dcs::cuda {

/// Throws dcs::error with CUDA's message where a call failed.
inline void expect_success(cudaError_t status, const char* call) {
  if (status == cudaSuccess) return;
  (void)cudaGetLastError();  // clears the error, which CUDA would report again at the next launch
  fail("dcs::cuda: ", call, ": ", cudaGetErrorString(status));
}

namespace detail {
struct capture_pool;
}  // namespace detail

/// Memory of the GPU that a captured graph owns: copies of host data that the captured work copies, memory passed to keep(), memory from before the
/// capture that was freed during it, and memory that was allocated during it.
struct captured_constants {
  std::vector<storage> device;
  std::vector<void*> freed;
  detail::capture_pool* pool = nullptr;

  captured_constants() = default;
  captured_constants(const captured_constants&) = delete;
  captured_constants& operator=(const captured_constants&) = delete;
  ~captured_constants();
};

namespace detail {
// The memory of the capture that this thread is in, and that of a capture which is suspended by beside_capture; null: none.
inline thread_local captured_constants *capturing = nullptr, *paused = nullptr;
// Whether any thread captures a graph.
inline std::atomic<bool> captured = false;
// The stream of this thread's work while its capture is suspended; null otherwise.
inline thread_local cudaStream_t aside = nullptr;

struct work_queue {
  int gpu = 0;
  cudaStream_t stream = nullptr;

  work_queue() {
    int count = 0;
    const cudaError_t status = cudaGetDeviceCount(&count);
    expect(status == cudaSuccess && count > 0,
           "dcs::cuda: no GPU to run on: ", status == cudaSuccess ? "the machine has none" : cudaGetErrorString(status));
    expect_success(cudaGetDevice(&gpu), "cudaGetDevice");
    cudaMemPool_t pool = nullptr;
    expect_success(cudaDeviceGetMemPool(&pool, gpu), "cudaDeviceGetMemPool");
    std::uint64_t keep = ~std::uint64_t{0};  // the pool never returns freed memory to the system by itself
    expect_success(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &keep), "cudaMemPoolSetAttribute");
    expect_success(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "cudaStreamCreate");
  }
  static const work_queue& get() {
    static const work_queue q;
    return q;
  }
};

// Suspends this thread's capture, if there is one: work within the scope does not become part of the graph, and is finished when the scope ends.
class beside_capture {
 public:
  beside_capture() {
    if (!capture_) return;
    cudaThreadExchangeStreamCaptureMode(&mode_);
    const cudaError_t status = cudaStreamCreateWithFlags(&aside, cudaStreamNonBlocking);
    if (status != cudaSuccess) cudaThreadExchangeStreamCaptureMode(&mode_);
    expect_success(status, "cudaStreamCreate");
    paused = capture_, capturing = nullptr;
  }
  beside_capture(const beside_capture&) = delete;
  beside_capture& operator=(const beside_capture&) = delete;
  ~beside_capture() {
    if (!capture_) return;
    cudaStreamSynchronize(aside);
    cudaStreamDestroy(aside);
    cudaThreadExchangeStreamCaptureMode(&mode_);
    aside = nullptr, capturing = capture_, paused = nullptr;
  }

 private:
  captured_constants* capture_ = capturing;
  cudaStreamCaptureMode mode_ = cudaStreamCaptureModeRelaxed;
};

// Memory from the pool of the capture that this thread is in.
void* captured_block(std::int64_t bytes);
// Frees a block of any thread's capture, at any time, also after the capture; false where p is other memory.
bool give_back(void* p) noexcept;
}  // namespace detail

/// The stream of all work. Throws dcs::error where there is no GPU, or a driver too old for this toolkit, where this thread's current GPU is not the
/// process's, and while another thread captures a graph.
inline cudaStream_t stream() {
  if (detail::aside) return detail::aside;
  const auto& queue = detail::work_queue::get();
  int gpu = 0;
  expect_success(cudaGetDevice(&gpu), "cudaGetDevice");
  expect(gpu == queue.gpu, "dcs::cuda: GPU ", gpu, " is current on this thread; expected ", queue.gpu, ", on which the process works");
  expect(detail::capturing || !detail::captured, "dcs::cuda: another thread captures a graph; expected no other work before it is done");
  return queue.stream;
}

}  // namespace dcs::cuda

#include <dcs/core/header_end.inl>
