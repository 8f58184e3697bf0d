// Work of the GPU as a CUDA graph: the launches of a callable are captured instead of run, and one launch replays them. A replay uses the addresses
// of the capture, so inputs and outputs are in memory that was allocated before, and the graph shares ownership (`keep`) of memory that its owner may
// replace. Memory that the work allocates comes from chunks that the graph owns (captured_memory.hpp), which also owns a copy of host data that the
// work copies (device.cuh). Preparations on the host, such as choosing plans of cuDNN or growing a workspace, are errors during a capture: run the
// work once before. Batches are sent on a second stream, from pinned memory into memory of their own, so that the copy of a batch overlaps the work
// on the one before.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/cuda/device.cuh>
#include <dcs/cuda/repeat.hpp>

#include <cstring>

DCS_EXACT_MATH
namespace dcs::cuda {

namespace detail {

/// A capture in progress. Where it fails, the destructor ends it, so that the stream can be used again.
class capture_scope {
 public:
  explicit capture_scope(captured_constants& constants) {
    expect(!capturing, "dcs::cuda: a graph is captured within the capture of another");
    expect_success(cudaStreamBeginCapture(stream(), cudaStreamCaptureModeThreadLocal), "cudaStreamBeginCapture");
    capturing = &constants, captured = true;
  }
  capture_scope(const capture_scope&) = delete;
  capture_scope& operator=(const capture_scope&) = delete;
  ~capture_scope() {
    if (!capturing) return;
    cudaGraph_t broken = nullptr;
    if (close(broken) == cudaSuccess && broken) cudaGraphDestroy(broken);
    (void)cudaGetLastError();
  }
  cudaGraph_t end() {
    cudaGraph_t made = nullptr;
    expect_success(close(made), "cudaStreamEndCapture");
    return made;
  }

 private:
  static cudaError_t close(cudaGraph_t& graph) {
    const cudaError_t status = cudaStreamEndCapture(work_queue::get().stream, &graph);
    capturing = nullptr, captured = false;
    captured.notify_all();
    return status;
  }
};

// Returns to the system what the memory pool keeps of freed blocks. Running the work before its capture allocated and freed the same amounts; the
// graph's chunks, of other sizes, are often not made from these blocks, and without this both would occupy memory.
inline void release_unused_memory() {
  cudaMemPool_t pool = nullptr;
  expect_success(cudaDeviceGetMemPool(&pool, work_queue::get().gpu), "cudaDeviceGetMemPool");
  expect_success(cudaStreamSynchronize(stream()), "cudaStreamSynchronize");
  expect_success(cudaMemPoolTrimTo(pool, 0), "cudaMemPoolTrimTo");
}

}  // namespace detail

/// A captured graph.
template <>
class repeated_work<device> {
 public:
  static constexpr bool captures = true;
  /// Captures what `body` launches. Throws dcs::error with CUDA's message, and whatever body throws.
  explicit repeated_work(const std::function<void()>& body) {
    cudaGraph_t graph = nullptr;
    {
      detail::capture_scope scope(constants_);
      body();
      graph = scope.end();
    }
    detail::release_unused_memory();
    const cudaError_t status = cudaGraphInstantiate(&graph_, graph, 0);
    cudaGraphDestroy(graph);
    expect_success(status, "cudaGraphInstantiate");
    expect_success(cudaGraphUpload(graph_, stream()), "cudaGraphUpload");
  }
  repeated_work(const repeated_work&) = delete;
  repeated_work& operator=(const repeated_work&) = delete;
  ~repeated_work() {
    cudaStreamSynchronize(detail::work_queue::get().stream);
    cudaGraphExecDestroy(graph_);
  }
  /// Replays the work; does not wait for it.
  void launch() const { expect_success(cudaGraphLaunch(graph_, stream()), "cudaGraphLaunch"); }

 private:
  captured_constants constants_;
  cudaGraphExec_t graph_ = nullptr;
};

/// Batches that are copied on a second stream.
template <>
class arrivals<device> {
 public:
  arrivals() {
    (void)stream();  // throws where there is no GPU
    expect_success(cudaStreamCreateWithFlags(&own_, cudaStreamNonBlocking), "cudaStreamCreate");
    expect_success(cudaEventCreateWithFlags(&arrived_, cudaEventDisableTiming), "cudaEventCreate");
    expect_success(cudaEventCreateWithFlags(&received_, cudaEventDisableTiming), "cudaEventCreate");
    expect_success(cudaEventRecord(received_, stream()), "cudaEventRecord");
  }
  arrivals(const arrivals&) = delete;
  arrivals& operator=(const arrivals&) = delete;
  ~arrivals() {
    cudaStreamSynchronize(own_);
    for (auto& a : arrays_) cudaFreeHost(a.pinned);
    cudaEventDestroy(arrived_), cudaEventDestroy(received_), cudaStreamDestroy(own_);
  }
  void send(const void* from, std::int64_t bytes) {
    if (sending_ == 0) {
      expect_success(cudaEventSynchronize(arrived_), "cudaEventSynchronize");  // the pinned memory has been read
      expect_success(cudaStreamWaitEvent(own_, received_, 0), "cudaStreamWaitEvent");
    }
    if (sending_ == arrays_.size()) {
      array made{storage::allocate<device>(bytes), nullptr, bytes};
      expect_success(cudaStreamSynchronize(stream()), "cudaStreamSynchronize");  // allocated on one stream, used on another
      expect_success(cudaMallocHost(&made.pinned, static_cast<std::size_t>(bytes)), "cudaMallocHost");
      arrays_.push_back(std::move(made));
    }
    array& a = arrays_[sending_++];
    expect(a.bytes == bytes, "dcs::cuda::arrivals: an array of ", bytes, " bytes; expected ", a.bytes);
    std::memcpy(a.pinned, from, static_cast<std::size_t>(bytes));
    expect_success(cudaMemcpyAsync(a.on_device.data(), a.pinned, static_cast<std::size_t>(bytes), cudaMemcpyHostToDevice, own_), "cudaMemcpyAsync");
  }
  void close() {
    expect_success(cudaEventRecord(arrived_, own_), "cudaEventRecord");
    expect_success(cudaStreamWaitEvent(stream(), arrived_, 0), "cudaStreamWaitEvent");
  }
  void receive(void* to, std::int64_t bytes) {
    expect(receiving_ < sending_ && arrays_[receiving_].bytes == bytes, "dcs::cuda::arrivals: ", bytes,
           " bytes are to be received, but the bytes sent are ", receiving_ < sending_ ? arrays_[receiving_].bytes : 0);
    device::copy(to, arrays_[receiving_++].on_device.data(), bytes);
  }
  void done() {
    expect_success(cudaEventRecord(received_, stream()), "cudaEventRecord");
    sending_ = receiving_ = 0;
  }

 private:
  struct array {
    storage on_device;
    void* pinned;
    std::int64_t bytes;
  };
  std::vector<array> arrays_;
  std::size_t sending_ = 0, receiving_ = 0;
  cudaStream_t own_ = nullptr;
  cudaEvent_t arrived_ = nullptr, received_ = nullptr;
};

}  // namespace dcs::cuda

#include <dcs/core/header_end.inl>
