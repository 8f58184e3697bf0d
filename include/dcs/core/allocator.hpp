// Memory. Every buffer comes from a caching allocator: a freed block goes to a list of its size class and is handed out again, so a training step
// allocates from the system only the first time. Counters say what is alive, which the tests of fusion and of freeing rely on.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/error.hpp>

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <mutex>
#include <new>
#include <utility>
#if defined(__linux__)
#include <sys/mman.h>
#endif

DCS_EXACT_MATH
namespace dcs {

/// What an allocator has handed out: bytes in use now and at the peak, and the number of allocations. Allocations that failed are not counted.
struct memory_statistics {
  std::int64_t live_bytes = 0, peak_bytes = 0, allocations = 0;
};

/// Caching allocator of host memory: blocks of 64-byte alignment, sizes rounded up to a quarter of a power of two. Thread-safe.
class host_allocator {
 public:
  static host_allocator& get() {
    static auto* a = new host_allocator;  // never destroyed: tensors of static storage may outlive it
    return *a;
  }

  /// At least `bytes` bytes, uninitialised; null for 0. Throws dcs::error when the system has no memory left, and for a negative or absurdly large
  /// number of bytes.
  void* allocate(std::int64_t bytes) {
    if (bytes == 0) return nullptr;
    expect(bytes > 0, "dcs::host_allocator: ", bytes, " bytes; expected 0 or more: a product of sizes does not fit 64 bits");
    std::lock_guard lock(mutex_);
    expect(bytes <= most_bytes, "dcs::host_allocator: no memory for ", bytes, " bytes; ", now_.live_bytes, " are in use");
    const std::int64_t size = rounded(bytes);
    free_block*& cached = free_[index(size)];
    void* const p = cached ? std::exchange(cached, cached->next) : from_system(size);
    now_.live_bytes += size;
    now_.peak_bytes = now_.live_bytes > now_.peak_bytes ? now_.live_bytes : now_.peak_bytes;
    ++now_.allocations;
    return p;
  }

  /// Takes back a block that allocate(bytes) returned.
  void deallocate(void* p, std::int64_t bytes) noexcept {
    if (!p) return;
    const std::int64_t size = rounded(bytes);
    std::lock_guard lock(mutex_);
    now_.live_bytes -= size;
    free_block*& cached = free_[index(size)];
    cached = new (p) free_block{cached};
  }

  memory_statistics statistics() const {
    std::lock_guard lock(mutex_);
    return now_;
  }
  /// Resets the peak to what is in use now, and the count to 0.
  void reset_statistics() {
    std::lock_guard lock(mutex_);
    now_.peak_bytes = now_.live_bytes;
    now_.allocations = 0;
  }
  /// Returns every cached block to the system.
  void release_cache() {
    std::lock_guard lock(mutex_);
    release_blocks();
  }

 private:
  // The list of free blocks of a size class is kept inside the free blocks (64 bytes at least), so that deallocation needs no memory and cannot fail.
  struct free_block {
    free_block* next;
  };
  static constexpr std::int64_t most_bytes = std::int64_t{1} << 62;  // the largest size class

  host_allocator() = default;

  // Size classes 64 · {4, 5, 6, 7}/4 · 2^k: at most a quarter is wasted.
  static constexpr std::int64_t rounded(std::int64_t bytes) {
    if (bytes <= 256) return (bytes + 63) / 64 * 64;
    const std::int64_t step = std::int64_t(std::bit_floor(static_cast<std::uint64_t>(bytes - 1))) / 4;
    return (bytes + step - 1) / step * step;
  }
  static constexpr std::size_t index(std::int64_t size) {
    if (size <= 256) return static_cast<std::size_t>(size / 64);
    const auto k = static_cast<std::size_t>(std::bit_width(static_cast<std::uint64_t>(size)) - 1);
    return 4 * k + static_cast<std::size_t>((static_cast<std::uint64_t>(size) >> (k - 2)) & 3u);
  }

  void* from_system(std::int64_t size) {
    constexpr std::int64_t huge = std::int64_t{2} << 20;
    const bool large = size >= huge;
    const std::int64_t alignment = large ? huge : 64, padded = (size + alignment - 1) / alignment * alignment;
    void* p = std::aligned_alloc(static_cast<std::size_t>(alignment), static_cast<std::size_t>(padded));
    if (!p) {
      release_blocks();
      p = std::aligned_alloc(static_cast<std::size_t>(alignment), static_cast<std::size_t>(padded));
    }
    expect(p != nullptr, "dcs::host_allocator: no memory for ", size, " bytes; ", now_.live_bytes, " are in use");
#if defined(__linux__)
    if (large) madvise(p, static_cast<std::size_t>(padded), MADV_HUGEPAGE);  // a page table walk per 4 KB costs kernels up to 10 %
#endif
    return p;
  }

  void release_blocks() noexcept {
    for (free_block*& first : free_)
      while (first) std::free(std::exchange(first, first->next));
  }

  mutable std::mutex mutex_;
  memory_statistics now_;
  std::array<free_block*, 256> free_{};
};

/// Uninitialised scratch memory of a kernel, returned to the cache at the end of its scope.
template <class T>
class scratch {
 public:
  explicit scratch(std::int64_t count) : bytes_(bytes_of(count)), data_(static_cast<T*>(host_allocator::get().allocate(bytes_))) {}
  scratch(const scratch&) = delete;
  scratch& operator=(const scratch&) = delete;
  ~scratch() { host_allocator::get().deallocate(data_, bytes_); }

  T* data() const { return data_; }
  T& operator[](std::int64_t i) const { return data_[i]; }

 private:
  static std::int64_t bytes_of(std::int64_t count) {
    constexpr auto element = static_cast<std::int64_t>(sizeof(T));
    expect(count <= std::numeric_limits<std::int64_t>::max() / element, "dcs::scratch: no memory for ", count, " elements of ", element, " bytes");
    return count * element;
  }

  std::int64_t bytes_;
  T* data_;
};

}  // namespace dcs

#include <dcs/core/header_end.inl>
