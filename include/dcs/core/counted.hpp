// A shared, intrusively counted pointer. One word, and a constant when empty: a network without memory is then a constant expression, so that the
// compiler can count its parameters and its work.
#pragma once

#include <dcs/core/header_begin.inl>

#include <atomic>
#include <cstdint>
#include <utility>

DCS_EXACT_MATH
namespace dcs {

/// Base of what counted_ptr points to. The last pointer deletes it, or calls T::destroy(T*) noexcept where there is one.
struct counted {
  std::atomic<std::int64_t> references{0};
};

template <class T>
class counted_ptr {
 public:
  constexpr counted_ptr() = default;
  explicit counted_ptr(T* p) : pointer_(p) { acquire(); }
  constexpr counted_ptr(const counted_ptr& o) : pointer_(o.pointer_) {
    if (pointer_) acquire();
  }
  constexpr counted_ptr(counted_ptr&& o) noexcept : pointer_(std::exchange(o.pointer_, nullptr)) {}
  constexpr counted_ptr& operator=(counted_ptr o) noexcept {
    std::swap(pointer_, o.pointer_);
    return *this;
  }
  constexpr ~counted_ptr() {
    if (pointer_) release();
  }

  T* get() const { return pointer_; }
  T* operator->() const { return pointer_; }
  T& operator*() const { return *pointer_; }
  constexpr explicit operator bool() const { return pointer_ != nullptr; }
  /// Whether this is the only handle.
  bool unique() const { return pointer_ && pointer_->references.load(std::memory_order_acquire) == 1; }
  friend bool operator==(const counted_ptr& a, const counted_ptr& b) { return a.pointer_ == b.pointer_; }

 private:
  void acquire() { pointer_->references.fetch_add(1, std::memory_order_relaxed); }
  void release() noexcept {
    if (pointer_->references.fetch_sub(1, std::memory_order_acq_rel) == 1) destroy(pointer_);
  }
  // Out of line: a network's code destroys handles in thousands of places, and would be much larger with this inlined.
  [[gnu::noinline]] static void destroy(T* p) noexcept {
    if constexpr (requires { T::destroy(p); })
      T::destroy(p);
    else
      delete p;
  }

  T* pointer_ = nullptr;
};

}  // namespace dcs

#include <dcs/core/header_end.inl>
