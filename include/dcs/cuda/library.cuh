// Shared by the calls of cuDNN and cuBLASLt: one workspace, and their options (library_options.hpp). Both compute f32 in f32 unless TF32 is allowed,
// and bf16 with sums in f32.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/cuda/device.cuh>
#include <dcs/cuda/library_options.hpp>

DCS_EXACT_MATH
namespace dcs::cuda {

/// At least `bytes` of this thread's workspace; calls on one stream use it in turn.
inline void* library_workspace(std::int64_t bytes) {
  thread_local storage memory;
  if (memory.bytes() < bytes) {
    expect(!detail::capturing, "dcs::cuda: a workspace of ", bytes,
           " bytes is wanted first while a graph is captured; expected a step before the capture");
    memory = {};
    memory = storage::allocate<device>(bytes);
  }
  keep(device{}, memory);  // a larger one may replace it after the capture
  return memory.data();
}

namespace detail {
// Milliseconds of run(), the mean of a few calls after one to warm up; false where a call returned that it failed.
template <class F>
bool timed(const F& run, float& time) {
  if (!run()) return false;
  constexpr int runs = 4;
  cudaEvent_t begin = nullptr, end = nullptr;
  expect_success(cudaEventCreate(&begin), "cudaEventCreate");
  expect_success(cudaEventCreate(&end), "cudaEventCreate");
  expect_success(cudaEventRecord(begin, stream()), "cudaEventRecord");
  bool ran = true;
  for (int i = 0; i < runs; ++i) ran = run() && ran;
  expect_success(cudaEventRecord(end, stream()), "cudaEventRecord");
  expect_success(cudaEventSynchronize(end), "cudaEventSynchronize");
  expect_success(cudaEventElapsedTime(&time, begin, end), "cudaEventElapsedTime");
  cudaEventDestroy(begin), cudaEventDestroy(end);
  time /= runs;
  return ran;
}
}  // namespace detail

}  // namespace dcs::cuda

#include <dcs/core/header_end.inl>
