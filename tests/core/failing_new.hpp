// Replaces operator new of a test's program: small allocations are counted, and one can be made to fail.
#pragma once

#include <atomic>
#include <cstdlib>
#include <limits>
#include <new>

namespace failing_new {

constexpr long never = std::numeric_limits<long>::max();
inline std::atomic<long> made{0}, fails_at{never};

/// In its scope the n-th allocation, counted from 0 over all threads, fails, and all after it succeed.
struct scope {
  explicit scope(long n) { made = 0, fails_at = n; }
  scope(const scope&) = delete;
  scope& operator=(const scope&) = delete;
  ~scope() { fails_at = never; }
  /// Whether that allocation has been reached.
  bool failed() const { return made > fails_at; }
};

}  // namespace failing_new

// Out of line, or compilers see malloc on one side of a pair alone and warn.
[[gnu::noinline]] void* operator new(std::size_t bytes) {
  if (failing_new::made.fetch_add(1) == failing_new::fails_at) throw std::bad_alloc();
  if (void* p = std::malloc(bytes > 0 ? bytes : 1)) return p;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* p) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, std::size_t) noexcept { std::free(p); }
