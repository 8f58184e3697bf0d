// What the calls of cuDNN and cuBLASLt share: one workspace, and their options (library_options.hpp). Both compute f32 in f32 unless TF32 is allowed,
// and bf16 with sums in f32.
#pragma once

#include <dcs/cuda/device.cuh>
#include <dcs/cuda/library_options.hpp>

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
  keep(device{}, memory);  // it may grow after the capture
  return memory.data();
}

}  // namespace dcs::cuda
