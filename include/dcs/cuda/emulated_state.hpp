// The state of a kernel that the host executes: of the launch, the block, its warps and its threads.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/cuda/block.hpp>
#include <dcs/cuda/fiber.hpp>
#include <dcs/cuda/memory_check.hpp>

#include <exception>
#include <memory>
#include <vector>

DCS_EXACT_MATH
namespace dcs::cuda {

/// How the host executes kernels.
struct emulation {
  std::uint64_t seed = 0;  // of the orders of blocks and threads
  bool check = true;       // whether accesses are checked: bounds, races, uses of a copy before its wait
};

/// Bytes of shared memory that a block can have at most, on sm_90; sm_80 has 163 KiB.
inline constexpr std::int64_t most_shared_bytes = 227 << 10;

class emulated_block;

namespace detail {

// A type-erased kernel.
struct any_kernel {
  const char* name;
  int threads;
  std::int64_t blocks, shared_bytes;
  const void* kernel;
  void (*run)(const void* kernel, emulated_block& b);
};

enum class waits_for : std::uint8_t { nothing, block, warp, end };

// The state that the threads of a launch share.
struct launch_state {
  any_kernel kernel;
  emulation options;
  global_checks global;
};

struct pending_copy {
  std::byte* to;
  const std::byte* from;  // null: zeros
  std::int64_t bytes;
  memory_check *check, *from_check;
  std::int64_t element, from_element, elements;
};

struct thread_state {
  waits_for state = waits_for::nothing;
  moment now;
  std::size_t shared_arrays = 0;
  int exchange = 0;  // the kind of exchange within the warp that the thread waits in
  std::vector<pending_copy> open;
  std::vector<std::vector<pending_copy>> groups;
};

inline constexpr std::size_t exchange_bytes = 192;
struct warp_state {
  // Two sets, used in turn: a lane is at most one exchange ahead of another.
  alignas(16) std::byte values[2][warp_size][exchange_bytes];
};

struct shared_array {
  std::int64_t offset, count;
  std::size_t element;
  memory_check check;
};

struct block_state {
  launch_state* launch;
  fibers* threads_of;
  std::int64_t number = 0;
  std::vector<std::byte> memory;
  std::int64_t used = 0;
  std::vector<std::unique_ptr<shared_array>> arrays;
  std::vector<thread_state> threads;
  std::vector<warp_state> warps;
  std::exception_ptr error;
};

}  // namespace detail

}  // namespace dcs::cuda

#include <dcs/core/header_end.inl>
