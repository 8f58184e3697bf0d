// Work of the GPU as a graph: what a callable launches is captured, not run, and one launch replays it. Addresses stay: what goes in and comes out
// lies in memory from before, and what of that others may replace, the graph keeps (`keep`). Memory that the work allocates comes from chunks of the
// graph's own (captured_memory.hpp). What it copies from the host the graph keeps too (device.cuh); what must happen on the host first (plans of
// cuDNN, workspaces) is an error in a capture: let the work run once before. Batches come on a stream of their own, from pinned memory into memory of
// their own, and wait there until the work before is done.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/cuda/device.cuh>
#include <dcs/cuda/repeat.hpp>

#include <cstring>

DCS_EXACT_MATH
namespace dcs::cuda {

namespace detail {

/// Ends a capture that failed, so that the stream lives on.
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

// What calls of the same work have freed, the graph's chunks are not always made of: without this both would be held.
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
  /// What `body` launches. Throws dcs::error with CUDA's words, and what body throws.
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
  /// Does not wait.
  void launch() const { expect_success(cudaGraphLaunch(graph_, stream()), "cudaGraphLaunch"); }

 private:
  captured_constants constants_;
  cudaGraphExec_t graph_ = nullptr;
};

/// Batches by a stream of their own.
template <>
class arrivals<device> {
 public:
  arrivals() {
    (void)stream();  // there is a GPU
    expect_success(cudaStreamCreateWithFlags(&own_, cudaStreamNonBlocking), "cudaStreamCreate");
    expect_success(cudaEventCreateWithFlags(&arrived_, cudaEventDisableTiming), "cudaEventCreate");
    expect_success(cudaEventCreateWithFlags(&taken_, cudaEventDisableTiming), "cudaEventCreate");
    expect_success(cudaEventRecord(taken_, stream()), "cudaEventRecord");
  }
  arrivals(const arrivals&) = delete;
  arrivals& operator=(const arrivals&) = delete;
  ~arrivals() {
    cudaStreamSynchronize(own_);
    for (auto& a : arrays_) cudaFreeHost(a.pinned);
    cudaEventDestroy(arrived_), cudaEventDestroy(taken_), cudaStreamDestroy(own_);
  }
  void send(const void* from, std::int64_t bytes) {
    if (sending_ == 0) {
      expect_success(cudaEventSynchronize(arrived_), "cudaEventSynchronize");  // the pinned memory has been read
      expect_success(cudaStreamWaitEvent(own_, taken_, 0), "cudaStreamWaitEvent");
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
    expect_success(cudaMemcpyAsync(a.there.data(), a.pinned, static_cast<std::size_t>(bytes), cudaMemcpyHostToDevice, own_), "cudaMemcpyAsync");
  }
  void close() {
    expect_success(cudaEventRecord(arrived_, own_), "cudaEventRecord");
    expect_success(cudaStreamWaitEvent(stream(), arrived_, 0), "cudaStreamWaitEvent");
  }
  void receive(void* to, std::int64_t bytes) {
    expect(receiving_ < sending_ && arrays_[receiving_].bytes == bytes, "dcs::cuda::arrivals: ", bytes, " bytes are wanted; sent are ",
           receiving_ < sending_ ? arrays_[receiving_].bytes : 0);
    device::copy(to, arrays_[receiving_++].there.data(), bytes);
  }
  void done() {
    expect_success(cudaEventRecord(taken_, stream()), "cudaEventRecord");
    sending_ = receiving_ = 0;
  }

 private:
  struct array {
    storage there;
    void* pinned;
    std::int64_t bytes;
  };
  std::vector<array> arrays_;
  std::size_t sending_ = 0, receiving_ = 0;
  cudaStream_t own_ = nullptr;
  cudaEvent_t arrived_ = nullptr, taken_ = nullptr;
};

}  // namespace dcs::cuda

#include <dcs/core/header_end.inl>
