// What the calls of cuDNN and cuBLASLt share: their options and one workspace. Both compute f32 in f32 unless TF32 is allowed, and bf16 with sums in
// f32.
#pragma once

#include <dcs/cuda/device.cuh>

namespace dcs::cuda {

/// How the libraries are called, from now on, on every thread; plans and algorithms that have been chosen stay.
struct library_options {
  /// f32 may be rounded to TF32 (ten bits of mantissa) on its way into matrix units.
  bool tf32 = false;
  /// Engines of cuDNN that are timed the first time a convolution is met. 1: the heuristics' first is taken, so that every run on this kind of GPU
  /// has the same bits; with more, runs may choose differently and differ by rounding.
  int candidates = 8;
  /// Bytes that an engine may work in.
  std::int64_t most_workspace = std::int64_t{1} << 30;

  static library_options& get() {
    static library_options o;
    return o;
  }
};

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
